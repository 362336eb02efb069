import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const REQUIREMENTS = join(__dirname, '../python/requirements.txt');

/** Why the Python SDKs cannot be had here, with the remedy; undefined when they can. */
export function pythonMissing(): string | undefined {
  const { status } = spawnSync('python3', ['-c', 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 8))']);
  return status === 0 ? undefined : 'Python 3.8 or later with venv is missing: apt-get install python3-venv';
}

/**
 * The interpreter of an environment that has the Python SDKs as `test/python/requirements.txt` pins them. It is made once
 * for each state of that file, in the user's cache folder.
 */
export async function pythonWithSdks(): Promise<string> {
  const pinned = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 16);
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  const folder = join(cache, 'iot-hub-python-sdks', pinned);
  const interpreter = join(folder, 'bin/python');
  if (!existsSync(interpreter)) {
    // Another test may be making it too: whoever is first gives it its name.
    const own = `${folder}.${process.pid}`;
    await mkdir(join(folder, '..'), { recursive: true });
    await run('python3', ['-m', 'venv', own]);
    await run(join(own, 'bin/python'), ['-m', 'pip', 'install', '--quiet', '--requirement', REQUIREMENTS]);
    await rename(own, folder).catch(() => rm(own, { recursive: true, force: true }));
  }
  return interpreter;
}

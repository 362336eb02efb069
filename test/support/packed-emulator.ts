import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ensureEmulatorBuilt } from './emulator-process.js';
import { outside } from './packed-sdk.js';

const ROOT = join(__dirname, '../..');
/** What users of the emulator bring themselves. */
const SDK = ['azure-iot-device', 'azure-iot-device-mqtt'];

/** A fresh project with the official device SDK, into which the emulator's package was installed as it would be published. */
export async function installPackedEmulator(): Promise<{
  folder: string;
  /** Where the package was installed. */
  installed: string;
  /** Where the package was made. */
  made: string;
  remove: () => Promise<void>;
}> {
  await ensureEmulatorBuilt();
  const folder = await mkdtemp(join(tmpdir(), 'spyglass-emulator-'));
  const made = join(folder, 'packages/iot-hub-emulator');
  const tool = join(ROOT, 'tools/emulator-package.mjs');
  const { stdout } = await promisify(execFile)(process.execPath, [tool, made], { cwd: ROOT });
  const tarball = stdout.slice(0, stdout.indexOf('.tgz:') + 4);
  const { dependencies } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const versions = SDK.map((name) => `${name}@${dependencies[name] ?? ''}`);
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'empty', private: true }));
  // What packages ask for in turn comes in the versions locked here: another one could appear between two runs.
  await cp(join(ROOT, 'package-lock.json'), join(folder, 'package-lock.json'));
  await outside(
    'npm',
    ['install', '--prefer-offline', '--ignore-scripts', '--no-audit', '--loglevel=error', tarball, ...versions],
    folder,
  );
  return {
    folder,
    installed: join(folder, 'node_modules/@spyglass-iot/iot-hub-emulator'),
    made,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SDK = join(__dirname, '../../client-sdk');

/** The environment of a shell outside of this repository: without what `npm run` adds, and with the machine's Node.js. */
export const OUTSIDE: NodeJS.ProcessEnv = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_|^NODE_|^INIT_CWD$/i.test(name))),
  PATH: process.env.PATH?.split(delimiter)
    .filter((folder) => !folder.includes('node_modules'))
    .join(delimiter),
};

/** Runs a program outside of this repository and gives what it prints. */
export async function outside(program: string, args: string[], cwd: string, env = OUTSIDE): Promise<string> {
  const { stdout } = await run(program, args, { cwd, env, maxBuffer: 16 * 1024 * 1024 }).catch((error: unknown) => {
    const { stdout: said, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${program} ${args.join(' ')} failed:\n${said}\n${stderr}`, { cause: error });
  });
  return stdout;
}

/** A fresh, empty project into which the client SDK was installed as it would be published. */
export async function installPackedSdk(): Promise<{ folder: string; packed: string[]; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'spyglass-packed-'));
  // The package is packed from a copy, so that nothing here is touched; it was built before.
  await cp(SDK, join(folder, 'client-sdk'), { recursive: true });
  const pack = await outside(
    'npm',
    ['pack', '--json', '--ignore-scripts', '--pack-destination', folder],
    join(folder, 'client-sdk'),
  );
  const [result] = JSON.parse(pack) as [{ filename: string; files: { path: string }[] }];
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'empty', private: true }));
  await outside('npm', ['install', '--offline', '--ignore-scripts', '--no-audit', `./${result.filename}`], folder);
  return {
    folder,
    packed: result.files.map(({ path }) => path),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

// Installs the dependencies when they are missing or older than the lock, then checks the pinned Node.js runtime.
// Runs on whatever Node.js starts npm, so it uses built-ins only.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const runtime = join(root, 'node_modules/.bin', process.platform === 'win32' ? 'node.cmd' : 'node');
const modified = (file) => (existsSync(join(root, file)) ? statSync(join(root, file)).mtimeMs : 0);

const installedAt = modified('node_modules/.package-lock.json');
if (installedAt === 0 || installedAt < modified('package-lock.json') || !existsSync(runtime)) {
  console.error('Installing dependencies: about 1.5 GB on disk, two to four minutes, once.');
  // npm is started with the Node.js that runs npm now: the pinned one in node_modules is being replaced.
  const node = process.env.npm_node_execpath ?? process.execPath;
  const npm = process.env.npm_execpath;
  // Engine warnings are about the Node.js that runs npm, not about the pinned one; the progress bar is shown all the same.
  const [command, ...args] = [...(npm ? [node, npm] : ['npm']), 'ci', '--loglevel=error'];
  const { status } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (status !== 0) {
    console.error('npm ci failed. Check the network and the free disk space, then run the command again.');
    process.exit(1);
  }
}

const { status, stdout, error } = spawnSync(runtime, ['--version'], {
  encoding: 'utf8',
  shell: process.platform === 'win32',
});
if (status !== 0 || Number(stdout.slice(1).split('.')[0]) < 24) {
  console.error(
    `The pinned Node.js runtime node_modules/.bin/node ${error || status !== 0 ? 'does not start' : `is ${stdout.trim()}, not 24`}.\n` +
      'Allow the install script of the npm package "node" (npm config get ignore-scripts must be false) and the execution of\n' +
      'programs in this folder (a noexec mount or a virus scanner may forbid it), then run: rm -rf node_modules && npm ci',
  );
  process.exit(1);
}

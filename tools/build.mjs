// Builds all applications and the client SDK, each only if a source is newer than its last build: a start of a built state
// should not wait.
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, statSync, utimesSync, writeFileSync } from 'node:fs';

const modified = (file) => (existsSync(file) ? statSync(file).mtimeMs : 0);

function build({ what, duration, stamp, sources, program, cwd = '.' }) {
  const builtAt = modified(stamp);
  if (builtAt > 0 && !globSync([...sources, 'package-lock.json']).some((file) => modified(file) >= builtAt)) return;
  console.error(`Building ${what}${duration ? ` (${duration})` : ''} …`);
  // The sources may change while they are built, so the stamp has the time of the beginning.
  const startedAt = new Date();
  const { status } = spawnSync(process.execPath, program, { cwd, stdio: ['ignore', 2, 2] });
  if (status !== 0) process.exit(status ?? 1);
  writeFileSync(stamp, '');
  utimesSync(stamp, startedAt, startedAt);
}

build({
  what: 'the applications',
  duration: 'about a minute the first time',
  stamp: 'dist/.built',
  sources: ['{apps,libs}/**/*.ts', 'apps/*/tsconfig.app.json', 'tsconfig.json', 'nest-cli.json'],
  program: ['node_modules/@nestjs/cli/bin/nest.js', 'build', '--all'],
});
build({
  what: 'the client SDK',
  stamp: 'client-sdk/dist/.built',
  sources: ['client-sdk/src/**/*.ts', 'client-sdk/*.{json,mjs}'],
  program: ['../node_modules/tsdown/dist/run.mjs', '--logLevel', 'warn'],
  cwd: 'client-sdk',
});

// Builds all applications, unless no source is newer than the last build: a start of a built state should not wait.
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, statSync, utimesSync, writeFileSync } from 'node:fs';

const STAMP = 'dist/.built';
const SOURCES = [
  '{apps,libs}/**/*.ts',
  'apps/*/tsconfig.app.json',
  'tsconfig.json',
  'nest-cli.json',
  'package-lock.json',
];

const modified = (file) => statSync(file).mtimeMs;
const builtAt = existsSync(STAMP) ? modified(STAMP) : 0;
if (!globSync(SOURCES).some((file) => modified(file) >= builtAt)) process.exit(0);

console.error('Building …');
// The sources may change while they are built, so the stamp has the time of the beginning.
const startedAt = new Date();
const { status } = spawnSync(process.execPath, ['node_modules/@nestjs/cli/bin/nest.js', 'build', '--all'], {
  stdio: ['ignore', 2, 2],
});
if (status !== 0) process.exit(status ?? 1);
writeFileSync(STAMP, '');
utimesSync(STAMP, startedAt, startedAt);

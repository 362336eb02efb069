// Writes the production tree of one application to a folder: its built files, the data it reads at run time, and the packages it
// imports, in the locked versions. Images are made of it.
//
//   npm run -s production-tree -- <app> <folder>
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { builtFile, importedModules, lockedDependencies } from './imported-modules.mjs';

/** What an application needs beside the modules that its entry imports. */
const EXTRAS = {
  api: {},
  'device-agent': { files: ['docs/assets'] },
  'iot-hub-emulator': {},
  // Its worker thread is started by path, and its OCR data is read from the package's folder.
  'local-vision': {
    files: ['apps/local-vision/models'],
    entries: ['apps/local-vision/src/vision/vision.worker.ts'],
    packages: ['@tesseract.js-data/eng'],
  },
};

const [app, folder] = process.argv.slice(2);
if (!(app in EXTRAS) || !folder) {
  console.error(`Usage: npm run -s production-tree -- <${Object.keys(EXTRAS).join(' | ')}> <folder>`);
  process.exit(2);
}
const { files = [], entries = [], packages = [] } = EXTRAS[app];
const manifest = JSON.parse(readFileSync('package.json', 'utf8'));

const imported = importedModules([`apps/${app}/src/main.ts`, ...entries]);

mkdirSync(folder, { recursive: true });
for (const source of imported.sources) copy(builtFile(source));
for (const file of [...files, 'LICENSE', 'NOTICE']) copy(file);
const { name, version, license, type, imports, overrides } = manifest;
const dependencies = lockedDependencies(manifest, imported.packages.union(new Set(packages)));
writeFileSync(
  join(folder, 'package.json'),
  JSON.stringify({ name, version, license, type, imports, dependencies, overrides }, null, 2),
);
cpSync('package-lock.json', join(folder, 'package-lock.json'));
cpSync('.npmrc', join(folder, '.npmrc'));
// Against the whole lock this installs nothing but the packages named above, in the versions locked there.
const { status } = spawnSync(
  'npm',
  ['install', '--omit=dev', '--ignore-scripts', '--prefer-offline', '--no-progress'],
  {
    cwd: folder,
    stdio: ['ignore', 2, 2],
  },
);
process.exit(status ?? 1);

function copy(path) {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  cpSync(path, join(folder, path), { recursive: true });
}

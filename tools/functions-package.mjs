// Makes the zip that is deployed to Azure Functions: the host's files, the API's production tree and a Node to run it.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, posix, relative } from 'node:path';
import { writeZip } from './zip.mjs';

/** Only npm reads these. */
const OF_NPM = /^(?:\.npmrc|package-lock\.json|node_modules\/\.package-lock\.json|node_modules\/(?:.*\/)?\.bin\/.*)$/;
/** Of packages, what neither runs nor is a licence. */
const NOT_RUN = /^node_modules\/.*\.(?:d\.[cm]?ts|[cm]?ts|map|md|markdown)$/i;
const LICENCE = /(?:^|\/)(?:licen[cs]e|notice|copying)[^/]*$/i;

const target = process.argv[2] ?? 'dist/spyglass-functions.zip';

// Functions runs on 64-bit Linux; the Node and the native packages of another machine would not start there.
if (process.platform !== 'linux' || process.arch !== 'x64') {
  console.error('The package holds programs for 64-bit Linux: make it there, for example in a container or in CI.');
  process.exit(1);
}

const tree = mkdtempSync(join(tmpdir(), 'spyglass-functions-tree-'));
try {
  execFileSync(process.execPath, ['tools/production-tree.mjs', 'api', tree], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  mkdirSync(dirname(target), { recursive: true });
  writeZip(target, entries());
} finally {
  rmSync(tree, { recursive: true, force: true });
}
const mebibytes = Math.round(statSync(target).size / 2 ** 20);
console.log(`${posix.normalize(target)}: ${mebibytes} MiB, with Node ${process.versions.node}`);

function* entries() {
  const file = (name, path, executable = false) => ({ name, content: readFileSync(path), executable });
  yield file('host.json', 'infra/functions/host.json');
  yield file('api/function.json', 'infra/functions/api/function.json');
  yield file('bin/node', process.execPath, true);
  for (const path of filesBelow(tree).sort()) {
    const name = relative(tree, path);
    if (!OF_NPM.test(name) && (!NOT_RUN.test(name) || LICENCE.test(name))) yield file(name, path);
  }
}

function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

// Makes the zip that is deployed to Azure Functions: the host's files, the built API, its packages and a Node to run them.
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, posix } from 'node:path';
import { filesOfPackage, productionTree } from './production-tree.mjs';
import { writeZip } from './zip.mjs';

const target = process.argv[2] ?? 'dist/spyglass-functions.zip';

// Functions runs on 64-bit Linux; the Node and the native packages of another machine would not start there.
if (process.platform !== 'linux' || process.arch !== 'x64') {
  console.error('The package holds programs for 64-bit Linux: make it there, for example in a container or in CI.');
  process.exit(1);
}

const { name, version, type, imports } = JSON.parse(readFileSync('package.json', 'utf8'));
const { files, packages } = productionTree('api');

function* entries() {
  const file = (name, path = name, executable = false) => ({ name, content: readFileSync(path), executable });
  yield file('host.json', 'infra/functions/host.json');
  yield file('api/function.json', 'infra/functions/api/function.json');
  yield file('LICENSE');
  yield file('NOTICE');
  yield { name: 'package.json', content: Buffer.from(JSON.stringify({ name, version, type, imports }, null, 2)) };
  yield file('bin/node', process.execPath, true);
  for (const path of files) yield file(path);
  for (const folder of packages) for (const path of filesOfPackage(folder)) yield file(path);
}

mkdirSync(dirname(target), { recursive: true });
writeZip(target, entries());
const mebibytes = Math.round(statSync(target).size / 2 ** 20);
console.log(`${posix.normalize(target)}: ${mebibytes} MiB, ${packages.length} packages, Node ${process.versions.node}`);

// Makes the IoT Hub emulator a package of its own, as a folder and as npm's tarball beside it: its built files, the
// declarations that its users need, and the packages that it imports, in the root's exact versions.
//
//   npm run emulator:package -- [folder]
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';
import supportedNode from '../dist/apps/iot-hub-emulator/src/supported-node.js';
import { builtFile, importedModules, lockedDependencies } from './imported-modules.mjs';

const APP = 'apps/iot-hub-emulator';
const SOURCES = `${APP}/src`;

const OWN_FOLDER = 'dist/packages/iot-hub-emulator';

const folder = process.argv[2] ?? OWN_FOLDER;
if (folder !== OWN_FOLDER && existsSync(folder)) throw new Error(`${folder} is there already: name one that is not.`);
const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const { sources, packages } = importedModules([`${SOURCES}/main.ts`, `${SOURCES}/index.ts`]);
const foreign = sources.filter((source) => !source.startsWith(`${SOURCES}/`));
if (foreign.length > 0) throw new Error(`The emulator imports what is not its own: ${foreign.join(', ')}`);

rmSync(folder, { recursive: true, force: true });
for (const source of sources) {
  write(inPackage(source).replace(/\.ts$/, '.js'), withoutSourceMap(readFileSync(builtFile(source), 'utf8')));
}
for (const [path, text] of declarationsFrom(`${SOURCES}/index.ts`)) write(path, text);
cpSync('LICENSE', join(folder, 'LICENSE'));
cpSync(`${APP}/README.md`, join(folder, 'README.md'));
write('package.json', `${JSON.stringify(packageManifest(), null, 2)}\n`);

const destination = dirname(folder);
const packed = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', resolve(destination)], {
  cwd: folder,
  encoding: 'utf8',
});
const [{ filename, size, entryCount }] = JSON.parse(packed);
console.log(`${join(destination, filename)}: ${Math.round(size / 1024)} KiB, ${entryCount} files`);

function packageManifest() {
  const { version, license, type, dependencies } = manifest;
  return {
    name: '@spyglass-iot/iot-hub-emulator',
    version,
    description: 'A local Azure IoT Hub, to which the official SDKs connect: as a command, and within your tests.',
    keywords: ['azure-iot-hub', 'azure', 'iot', 'emulator', 'mqtt', 'amqp', 'testing'],
    license,
    type,
    engines: { node: supportedNode.SUPPORTED_NODE },
    bin: { 'iot-hub-emulator': 'dist/main.js' },
    main: './dist/index.js',
    types: './dist/index.d.ts',
    exports: {
      '.': { types: './dist/index.d.ts', default: './dist/index.js' },
      './package.json': './package.json',
    },
    files: ['dist'],
    dependencies: lockedDependencies({ dependencies }, packages),
    publishConfig: { access: 'public' },
  };
}

/** The declarations of a source, and of all that they mention, by their paths in the package. */
function declarationsFrom(entry) {
  const { options } = ts.getParsedCommandLineOfConfigFile(
    `${APP}/tsconfig.app.json`,
    { declaration: true, emitDeclarationOnly: true, incremental: false, tsBuildInfoFile: undefined, outDir: '.' },
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: fail },
  );
  const emitted = new Map();
  const { diagnostics } = ts
    .createProgram([entry], options)
    .emit(undefined, (file, text) => emitted.set(relative('.', file), text));
  diagnostics.forEach(fail);

  const found = new Map();
  const find = (file) => {
    const text = emitted.get(file);
    const path = inPackage(file);
    if (text === undefined || found.has(path)) return;
    found.set(path, text);
    for (const { fileName } of ts.preProcessFile(text).importedFiles) {
      find(join(dirname(file), fileName.replace(/\.js$/, '.d.ts')));
    }
  };
  find(entry.replace(/\.ts$/, '.d.ts'));
  return found;
}

function fail(diagnostic) {
  throw new Error(ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n'));
}

function inPackage(path) {
  return join('dist', relative(SOURCES, path));
}

/** The maps stay behind: they lead to sources that are not in the package. */
function withoutSourceMap(text) {
  return text.replace(/\n\/\/# sourceMappingURL=\S+\s*$/, '\n');
}

function write(path, text) {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

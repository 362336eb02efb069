// What one built application needs to run, and nothing else: its own files in dist/ and the packages that they use.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';

/** Beside the code, only what a licence asks to be kept. */
const LEFT_OUT = /\.(?:d\.[cm]?ts|[cm]?ts|tsx|map|md|markdown|flow)$/i;
const KEPT = /(?:^|\/)(?:licen[cs]e|notice|copying)[^/]*$/i;

/**
 * @param {string} app a folder of apps/, already built
 * @returns {{ files: string[], packages: string[] }} files below dist/, and folders below node_modules/, as relative paths
 */
export function productionTree(app, directory = '.') {
  const root = resolve(directory);
  const files = new Set();
  const packages = new Set();
  followFile(join(root, `dist/apps/${app}/src/main.js`));
  return { files: sorted(files), packages: sorted(packages) };

  function followFile(file) {
    const path = relative(root, file);
    if (files.has(path)) return;
    if (!existsSync(file)) throw new Error(`${path} is not there: build first.`);
    files.add(path);
    if (existsSync(`${file}.map`)) files.add(`${path}.map`);
    if (!file.endsWith('.js')) return;
    for (const [, wanted] of readFileSync(file, 'utf8').matchAll(/\b(?:require|import)\(\s*["']([^"']+)["']/g)) {
      if (wanted.startsWith('node:')) continue;
      else if (wanted.startsWith('.')) followFile(createRequire(file).resolve(wanted));
      else if (wanted.startsWith('#libs/')) followFile(join(root, 'dist/libs', wanted.slice(6), 'src/index.js'));
      else followPackage(wanted.split('/', wanted.startsWith('@') ? 2 : 1).join('/'), root, true);
    }
  }

  function followPackage(name, from, required) {
    const folder = findPackage(name, from);
    if (!folder) {
      if (required && !isBuiltIn(name)) throw new Error(`The package ${name} is not installed.`);
      return;
    }
    if (packages.has(relative(root, folder))) return;
    packages.add(relative(root, folder));
    const { dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta } = JSON.parse(
      readFileSync(join(folder, 'package.json'), 'utf8'),
    );
    for (const wanted of Object.keys(dependencies ?? {})) {
      followPackage(wanted, folder, !(wanted in (optionalDependencies ?? {})));
    }
    // Of the builds for each platform, those that are installed here.
    for (const wanted of Object.keys(optionalDependencies ?? {})) followPackage(wanted, folder, false);
    for (const wanted of Object.keys(peerDependencies ?? {})) {
      if (!peerDependenciesMeta?.[wanted]?.optional) followPackage(wanted, folder, false);
    }
  }

  /** As Node looks for it: in the nearest node_modules upwards. */
  function findPackage(name, from) {
    for (let folder = from; ; folder = dirname(folder)) {
      const candidate = join(folder, 'node_modules', name);
      if (existsSync(join(candidate, 'package.json'))) return candidate;
      if (relative(root, folder) === '') return undefined;
    }
  }
}

/** The files of a package that run or that its licence asks for, without packages nested in it. */
export function filesOfPackage(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    const stats = statSync(path);
    if (stats.isDirectory()) return name === 'node_modules' ? [] : filesOfPackage(path);
    return LEFT_OUT.test(name) && !KEPT.test(path) ? [] : [path];
  });
}

function isBuiltIn(name) {
  return process.getBuiltinModule(name) !== undefined;
}

function sorted(paths) {
  return [...paths].sort();
}

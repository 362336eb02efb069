// What programs import, found out from their sources: trees and packages hold that and nothing else.
import { execFileSync } from 'node:child_process';

/**
 * Follows every import from the entries on.
 *
 * @returns the own source files, and the names of the packages.
 */
export function importedModules(entries) {
  const json = execFileSync(
    process.execPath,
    [
      'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs',
      '--config',
      '.dependency-cruiser.cjs',
      '--output-type',
      'json',
      ...entries,
    ],
    { encoding: 'utf8', maxBuffer: 1 << 28 },
  );
  const modules = JSON.parse(json).modules.map(({ source }) => source);
  return {
    sources: modules.filter((path) => path.startsWith('apps/') || path.startsWith('libs/')),
    packages: new Set(modules.map(packageName).filter((name) => name !== undefined)),
  };
}

/** The file that the build makes of a source. */
export const builtFile = (source) => `dist/${source.replace(/\.ts$/, '.js')}`;

/** The root's exact versions of these packages. */
export function lockedDependencies(manifest, packages) {
  return Object.fromEntries(Object.entries(manifest.dependencies).filter(([name]) => packages.has(name)));
}

/** `node_modules/@nestjs/core/index.js` is of `@nestjs/core`. */
function packageName(path) {
  return /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1];
}

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * The absolute path of a file named relative to the project (the nearest folder above with a `package.json`), the same
 * whether the sources or the built output run.
 */
export function projectFile(path: string): string {
  let folder = __dirname;
  while (!existsSync(join(folder, 'package.json')) && folder !== dirname(folder)) folder = dirname(folder);
  return join(folder, path);
}

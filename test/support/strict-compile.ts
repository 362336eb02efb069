import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { outside } from './packed-sdk.js';

const ROOT = join(__dirname, '../..');

/** Compiler options of a program for Node.js. */
export const FOR_NODE = {
  module: 'nodenext',
  moduleResolution: 'nodenext',
  lib: ['ES2022'],
  types: ['node'],
  typeRoots: [join(ROOT, 'node_modules/@types')],
  // Node's own declarations are not strict themselves.
  skipLibCheck: true,
};

/** Writes TypeScript files into a project and compiles them as strictly as can be. @throws Error with what the compiler says. */
export async function compileStrictly(folder: string, files: Record<string, string>, options: object): Promise<void> {
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const strict = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noPropertyAccessFromIndexSignature: true,
    verbatimModuleSyntax: false,
    skipLibCheck: false,
    target: 'ES2022',
    rootDir: '.',
  };
  const config = { compilerOptions: { ...strict, ...options }, files: Object.keys(files) };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
  await outside(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', '.'], folder);
}

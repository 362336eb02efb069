// Writes docs/emulator-parity.md from the table of conformance cases. With --check nothing is changed: it fails when the page
// is not what would be written.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import prettier from 'prettier';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const PAGE = 'docs/emulator-parity.md';
const PREFACE = 'docs/emulator-parity.preface.md';
const bundle = join(process.cwd(), 'dist/tools/parity-page.cjs');

mkdirSync('dist/tools', { recursive: true });
buildSync({
  entryPoints: ['test/conformance/table/parity-page.ts'],
  outfile: bundle,
  bundle: true,
  packages: 'external',
  platform: 'node',
  format: 'cjs',
});
const { parityPage } = createRequire(import.meta.url)(bundle);
const options = await prettier.resolveConfig(PAGE);
const page = await prettier.format(parityPage(PREFACE), { ...options, parser: 'markdown' });
rmSync(bundle);

if (!process.argv.includes('--check')) {
  writeFileSync(PAGE, page);
} else if (readFileSync(PAGE, 'utf8') !== page) {
  console.error(`${PAGE} is not what the conformance cases say. Run: npm run parity`);
  process.exitCode = 1;
}

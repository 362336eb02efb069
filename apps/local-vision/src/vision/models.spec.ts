import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { projectFile } from './project-files.js';

const MODELS = 'apps/local-vision/models';

describe('the committed weights', () => {
  const sums = readFileSync(projectFile(`${MODELS}/SHA256SUMS`), 'utf8')
    .trim()
    .split('\n');

  it.each(sums.map((line) => line.split('  ')))('are the ones with the SHA-256 %s: %s', (expected, name = '') => {
    const bytes = readFileSync(projectFile(`${MODELS}/${name}`));
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(expected);
  });
});

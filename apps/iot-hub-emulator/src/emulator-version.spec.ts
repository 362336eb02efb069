import { readFileSync } from 'node:fs';
import { EMULATOR_VERSION } from './emulator-version.js';

describe('EMULATOR_VERSION', () => {
  it('is the version of the package', () => {
    expect(JSON.parse(readFileSync('package.json', 'utf8'))).toMatchObject({ version: EMULATOR_VERSION });
  });
});

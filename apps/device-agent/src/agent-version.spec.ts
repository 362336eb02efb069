import { readFileSync } from 'node:fs';
import { AGENT_VERSION } from './agent-version.js';

describe('AGENT_VERSION', () => {
  it('is the version of the package', () => {
    expect(JSON.parse(readFileSync('package.json', 'utf8'))).toMatchObject({ version: AGENT_VERSION });
  });
});

import { loadApiConfig } from './api.config.js';
import { startWarnings } from './start-warnings.js';

const HUB = { IOT_HUB_HOST_NAME: 'hub.example.com' };
const STORAGE = { BLOB_STORAGE_ACCOUNT_NAME: 'pictures' };
const AI = { AI_SERVICES_ENDPOINT: 'http://localhost:8100/v1' };
const PUBLIC = { API_HOST: '0.0.0.0', API_KEYS: 'a-key-of-enough-characters' };

const warnings = (env: Record<string, string>) => startWarnings(loadApiConfig(env));

describe(startWarnings, () => {
  it('says nothing when all is configured', () => {
    expect(warnings({ ...HUB, ...STORAGE, ...AI })).toEqual([]);
  });

  it('names in one line what is not configured, with its settings', () => {
    expect(warnings(STORAGE)).toEqual([
      expect.stringMatching(/IOT_HUB_CONNECTION_STRING or IOT_HUB_HOST_NAME.*AI_SERVICES_ENDPOINT/),
    ]);
    expect(warnings(STORAGE)[0]).not.toContain('BLOB_STORAGE');
    expect(warnings({ ...HUB, ...AI })).toEqual([expect.stringContaining('BLOB_STORAGE_CONNECTION_STRING')]);
  });

  it('speaks of ALLOWED_HOSTS when other machines can connect but no name of theirs is allowed', () => {
    const all = { ...HUB, ...STORAGE, ...AI };
    expect(warnings({ ...all, ...PUBLIC })).toEqual([expect.stringContaining('ALLOWED_HOSTS')]);
    expect(warnings({ ...all, ...PUBLIC, ALLOWED_HOSTS: 'api.example.com' })).toEqual([]);
  });
});

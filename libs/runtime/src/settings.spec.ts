import { z } from 'zod';
import { flagSetting, listSetting, loadSettings, portSetting } from './settings.js';

const schema = z.object({
  PORT: portSetting.default(8000),
  KEY: z.string().min(8),
  MODE: z.enum(['fast', 'slow']).optional(),
  NAMES: listSetting.default([]),
  VERBOSE: flagSetting.default(false),
});

describe(loadSettings.name, () => {
  it('reads text as the types that the schema wants', () => {
    const env = { PORT: '80', KEY: 'long enough', NAMES: ' a, ,b ', VERBOSE: 'yes', UNRELATED: 'x' };
    expect(loadSettings(schema, env)).toEqual({ PORT: 80, KEY: 'long enough', NAMES: ['a', 'b'], VERBOSE: true });
  });

  it('takes an empty variable for an unset one', () => {
    expect(loadSettings(schema, { PORT: '', KEY: 'long enough' })).toMatchObject({ PORT: 8000 });
    expect(() => loadSettings(schema, { KEY: '' })).toThrow('KEY: is required');
  });

  it('names every variable that breaks its rule, and no value', () => {
    const env = { PORT: '70000', KEY: 's3cret!', MODE: 'canary-mode', VERBOSE: 'canary-flag' };
    const load = (): unknown => loadSettings(schema, env);
    expect(load).toThrow(expect.objectContaining({ code: 'SETTINGS.INVALID' }));
    expect(load).toThrow(/PORT: .*\n.*KEY: .*\n.*MODE: .*\n.*VERBOSE: /);
    expect(load).not.toThrow(/s3cret|70000|canary/);
  });
});

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

  it('tells each rule in words for whoever sets the variable', () => {
    const rules = (env: Record<string, string>): string => {
      try {
        loadSettings(
          schema.extend({ KEY: z.string().min(8).optional(), HOURS: z.coerce.number().positive().optional() }),
          env,
        );
      } catch (error) {
        return (error as Error).message;
      }
      return 'valid';
    };
    const cases: [string, string, string][] = [
      ['PORT', 'eighty', 'must be a number'],
      ['PORT', '80.5', 'must be a whole number'],
      ['PORT', '-1', 'must be at least 0'],
      ['PORT', '65536', 'must be at most 65535'],
      ['HOURS', '0', 'must be more than 0'],
      ['KEY', 'short', 'must have at least 8 characters'],
      ['MODE', 'canary', 'must be one of fast, slow'],
      ['VERBOSE', 'canary', 'must be one of true, 1, yes, on, y, enabled, false, 0, no, off, n, disabled'],
    ];
    for (const [name, value, rule] of cases) {
      expect(rules({ [name]: value })).toBe(`Invalid settings:\n  ${name}: ${rule}`);
    }
  });
});

import { parseChecked, readChecked, SeedError } from './checked-file.js';
import { seedSchema } from './seed-schema.js';

const parseSeed = (text: string, file: string) => parseChecked(text, file, { schema: seedSchema() }).devices;

const problemsOf = (text: string): string[] => {
  try {
    parseSeed(text, 'seed.yaml');
  } catch (cause) {
    if (cause instanceof SeedError)
      return cause.message
        .split('\n')
        .slice(1)
        .map((line) => line.trim());
    throw cause;
  }
  throw new Error('The seed was taken.');
};

describe(parseChecked.name, () => {
  it('reads YAML and JSON alike', () => {
    const devices = [{ deviceId: 'd1', tags: { room: 'a' }, properties: { desired: { interval: 5 } } }];
    expect(parseSeed(JSON.stringify({ devices }), 'seed.json')).toEqual(devices);
    const yaml = [
      'devices:',
      '  - deviceId: d1',
      '    tags: { room: a }',
      '    properties: { desired: { interval: 5 } }',
    ];
    expect(parseSeed(yaml.join('\n'), 'seed.yaml')).toEqual(devices);
  });

  it('names file, line and path of every problem', () => {
    const text = [
      'devices:',
      '  - deviceId: d1',
      '    status: sleeping',
      '  - deviceId: "with space"',
      '    tags:',
      '      fine: 1',
      '      "not fine": 2',
      '  - sttus: enabled',
      '    deviceId: d1',
    ].join('\n');
    const problems = problemsOf(text);
    expect(problems).toEqual([
      expect.stringMatching(/^seed\.yaml:3: devices\[0\]\.status: /),
      expect.stringMatching(/^seed\.yaml:4: devices\[1\]\.deviceId: /),
      expect.stringMatching(/^seed\.yaml:6: devices\[1\]\.tags: /),
      expect.stringMatching(/^seed\.yaml:8: devices\[2\]\.sttus: /),
    ]);
  });

  it('places a missing member at what should hold it', () => {
    expect(problemsOf('devices:\n  - deviceId: d1\n  - status: enabled\n')).toEqual([
      expect.stringMatching(/^seed\.yaml:3: devices\[1\]\.deviceId: /),
    ]);
  });

  it('refuses a device that is there twice, a key that is none, and a file that is no seed', () => {
    expect(problemsOf('devices:\n  - deviceId: d1\n  - deviceId: d1\n')[0]).toMatch(/^seed\.yaml:3: .*already/);
    const key = 'devices:\n  - deviceId: d1\n    authentication:\n      symmetricKey:\n        primaryKey: short\n';
    expect(problemsOf(key)[0]).toMatch(/^seed\.yaml:5: devices\[0\]\.authentication\.symmetricKey\.primaryKey: /);
    expect(problemsOf('just text')[0]).toMatch(/^seed\.yaml:1: the whole file: /);
  });

  it('places errors of JSON and of the syntax itself', () => {
    expect(problemsOf('{\n "devices": [\n  { "deviceId": 5 }\n ]\n}')[0]).toMatch(
      /^seed\.yaml:3: devices\[0\]\.deviceId: /,
    );
    expect(problemsOf('devices:\n  - deviceId: [\n')[0]).toMatch(/^seed\.yaml:\d+: /);
  });
});

describe(readChecked.name, () => {
  it('says which file cannot be read', async () => {
    await expect(readChecked('/nowhere/seed.yaml', { schema: seedSchema() })).rejects.toThrow(
      /\/nowhere\/seed\.yaml: cannot be read \(ENOENT\)/,
    );
  });
});

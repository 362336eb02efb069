import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadApiConfig } from '../../apps/api/src/api.config.js';
import { startOptions } from '../../apps/iot-hub-emulator/src/iot-hub-emulator.config.js';

/** Every variable that a schema or an option of ours declares. */
function declared(): string[] {
  const schemas = globSync(['apps/*/src/*.{config,settings}.ts', 'libs/*/src/*.settings.ts']);
  const names = schemas.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/^ +([A-Z][A-Z0-9_]+): /gm)].map(([, name = '']) => name),
  );
  const emulator = startOptions().flatMap(({ envVar }) => envVar ?? []);
  return [...new Set([...names, ...emulator])].sort();
}

const PRINT_ENVIRONMENT =
  "process.stdout.write(Object.entries(process.env).map((entry) => entry.join('=')).join('\\0'))";
const ASSIGNMENT = /^# (([A-Z][A-Z0-9_]+)=(.*))$/gm;
const text = readFileSync('.env.example', 'utf8');
const example = [...text.matchAll(ASSIGNMENT)].map(([, , name = '', value = '']) => ({
  name,
  value: value.replace(/^'(.*)'$/, '$1'),
}));
const shown = Object.fromEntries(example.map(({ name, value }) => [name, value]));
/** With every # of a setting removed. */
const uncommented = text.replaceAll(ASSIGNMENT, '$1');

describe('.env.example', () => {
  it('lists every setting of every program once, and no other', () => {
    // CAMERA_0 stands for all cameras, which no schema spells out.
    expect(example.map(({ name }) => name).sort()).toEqual([...new Set([...declared(), 'CAMERA_0'])].sort());
  });

  it('shows the defaults of the API as they are', () => {
    const defaults = Object.fromEntries(example.map(({ name, value }) => [name, value.includes('…') ? '' : value]));
    expect(loadApiConfig(defaults)).toEqual(loadApiConfig({}));
  });

  it.each([
    ['a shell that sources it', 'bash', (file: string) => ['-c', `set -ea; . ${file}; env -0`]],
    ['node --env-file', process.execPath, (file: string) => [`--env-file=${file}`, '-e', PRINT_ENVIRONMENT]],
  ])('gives %s every value whole', (_reader, command, args) => {
    const folder = mkdtempSync(join(tmpdir(), 'env-example-'));
    try {
      const file = join(folder, 'env');
      writeFileSync(file, uncommented);
      const env = { PATH: process.env.PATH };
      const output = execFileSync(command, args(file), { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
      const read = output
        .split('\0')
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]);
      expect(Object.fromEntries(read)).toMatchObject(shown);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('quotes what a shell would cut', () => {
    const values = example.filter(({ value }) => /[;& ]/.test(value));
    expect(values.length).toBeGreaterThan(3);
    for (const { name, value } of values) expect(text).toContain(`# ${name}='${value}'`);
  });
});

import { globSync, readFileSync } from 'node:fs';
import { loadApiConfig } from '../../apps/api/src/api.config.js';
import { startOptions } from '../../apps/iot-hub-emulator/src/iot-hub-emulator.config.js';

/** Every variable that a schema or an option of ours declares. */
function declared(): string[] {
  const schemas = globSync(['apps/*/src/*.config.ts', 'libs/*/src/*.settings.ts']);
  const names = schemas.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/^ +([A-Z][A-Z0-9_]+): /gm)].map(([, name = '']) => name),
  );
  const emulator = startOptions().flatMap(({ envVar }) => envVar ?? []);
  return [...new Set([...names, ...emulator])].sort();
}

const example = [...readFileSync('.env.example', 'utf8').matchAll(/^# ([A-Z][A-Z0-9_]+)=(.*)$/gm)].map(
  ([, name = '', value = '']) => ({ name, value }),
);

describe('.env.example', () => {
  it('lists every setting of every program once, and no other', () => {
    // CAMERA_0 stands for all cameras, which no schema spells out.
    expect(example.map(({ name }) => name).sort()).toEqual([...new Set([...declared(), 'CAMERA_0'])].sort());
  });

  it('shows the defaults of the API as they are', () => {
    const shown = Object.fromEntries(example.map(({ name, value }) => [name, value.includes('…') ? '' : value]));
    expect(loadApiConfig({ ...shown, IOT_HUB_DEVICE_ID: '' })).toEqual(loadApiConfig({}));
  });
});

import type { Twin } from 'azure-iot-device';
import { Mqtt, MqttWs } from 'azure-iot-device-mqtt';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { until } from '../support/until.js';

type Json = Record<string, unknown>;

describe('device twins over MQTT', () => {
  let hub: TestIotHub;
  beforeAll(async () => {
    hub = await startTestIotHub();
  });
  afterAll(() => hub.close());

  const report = (twin: Twin, patch: unknown) =>
    new Promise<void>((resolve, reject) => {
      (twin.properties.reported as { update(patch: unknown, done: (error?: Error) => void): void }).update(
        patch,
        (error) => {
          if (error) reject(error);
          else resolve();
        },
      );
    });

  const serviceTwin = async (deviceId: string) => (await hub.registry.getTwin(deviceId)).responseBody;

  async function connected(deviceId: string, transport: typeof Mqtt | typeof MqttWs = Mqtt) {
    const { connectionString } = await hub.addDevice(deviceId);
    const device = await hub.device(connectionString, transport);
    await device.open();
    return { device, twin: await device.getTwin() };
  }

  it.each<[name: string, patch: unknown]>([
    ['a name with a dot', { 'a.b': 1 }],
    ['a name with a dollar sign', { $x: 1 }],
    ['a name with a space', { 'a b': 1 }],
    ['more than 32 KB', Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`k${i}`, 'x'.repeat(3_000)]))],
    ['a single value of more than 4 KB', { big: 'x'.repeat(5_000) }],
    ['no object', [1]],
  ])('tell the device why they do not take %s', async (name, patch) => {
    const { device, twin } = await connected(`refused-${name.length}`);
    await expect(report(twin, patch)).rejects.toThrow(/./);
    const { reported } = (await serviceTwin(`refused-${name.length}`)).properties;
    expect(reported.$version).toBe(1);
    await device.close();
  });

  it('notify the device of changed desired properties, nulls included', async () => {
    const { device, twin } = await connected('notified');
    const patches: Json[] = [];
    twin.on('properties.desired', (patch: Json) => patches.push(patch));
    await until(() => patches.length === 1, 'the SDK tells the state it begins with');
    await subscribed('notified');

    await hub.registry.updateTwin('notified', { properties: { desired: { interval: 5, mode: 'eco' } } }, '*');
    await hub.registry.updateTwin('notified', { properties: { desired: { mode: null } } }, '*');
    await hub.registry.updateTwin('notified', { tags: { site: 'b' } }, '*');
    await hub.registry.updateTwin('notified', { properties: { desired: { interval: 6 } } }, '*');

    await until(() => patches.length === 4, 'three notifications');
    expect(patches.slice(1)).toEqual([
      { interval: 5, mode: 'eco', $version: 2 },
      { mode: null, $version: 3 },
      { interval: 6, $version: 4 },
    ]);
    expect(twin.properties.desired).toMatchObject({ interval: 6, $version: 4 });
    await device.close();
  });

  it('serve many requests at once, each with its own answer', async () => {
    const { device, twin } = await connected('busy');
    await Promise.all(Array.from({ length: 50 }, (_, i) => report(twin, { [`k${i}`]: i })));
    const { reported } = (await serviceTwin('busy')).properties;
    expect(reported).toMatchObject({ k0: 0, k49: 49, $version: 51 });
    await device.close();
  });

  /** The SDK subscribes without telling when it is done: the log does. */
  const subscribed = (deviceId: string) =>
    until(
      () =>
        hub.log.some(
          (line) =>
            line.msg === 'Device subscribed' &&
            line.deviceId === deviceId &&
            line.filter === '$iothub/twin/PATCH/properties/desired/#',
        ),
      `${deviceId} subscribes to desired properties`,
    );
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient, type ListTelemetryParams, type SpyglassClient, type TelemetryMessage } from '#client-sdk';
import { FREE_PORTS, loadLocalStackConfig } from '../../apps/local-stack/src/local-stack.config.js';
import { LocalStack } from '../../apps/local-stack/src/local-stack.js';
import { until } from '../support/until.js';

const DEVICE = 'device001';

/** From the agent's processor to the answer of the API: agent, hub, routing, Cosmos DB and API, as `npm start` runs them. */
describe('telemetry, from the device to the API', () => {
  let dataDirectory: string;
  let stack: LocalStack;
  let client: SpyglassClient;

  const start = async (): Promise<void> => {
    stack = new LocalStack(
      loadLocalStackConfig({
        DATA_DIR: dataDirectory,
        ...FREE_PORTS,
      }),
    );
    const { apiUrl } = await stack.start();
    client = createClient({ baseUrl: apiUrl });
  };

  beforeAll(async () => {
    dataDirectory = await mkdtemp(join(tmpdir(), 'spyglass-telemetry-'));
    await start();
  }, 60_000);

  afterAll(async () => {
    await stack.stop();
    await rm(dataDirectory, { recursive: true, force: true });
  }, 30_000);

  const messages = async (params: ListTelemetryParams = {}): Promise<TelemetryMessage[]> =>
    (await client.telemetry.listTelemetry({ device_id: DEVICE, limit: 100, ...params }).page()).items;
  const setInterval = (telemetry_interval_seconds: number) =>
    client.iotHub.updateDeviceTwin({ device_id: DEVICE, properties: { desired: { telemetry_interval_seconds } } });
  const ids = (of: readonly TelemetryMessage[]): string[] => of.map(({ id }) => id);

  it('shows what the agent measures', async () => {
    const [first] = await until(async () => {
      const all = await messages({ kind: 'telemetry' });
      return all.length > 0 && all;
    }, 'the first telemetry can be read');
    expect(first).toMatchObject({
      device_id: DEVICE,
      kind: 'telemetry',
      body_format: 'json',
      body_was_base64: false,
      body: { cpu_percent: expect.any(Number), memory_total_bytes: expect.any(Number), frames_captured: 0 },
    });
  });

  it('comes more often when the cloud wishes so, newest first, and whole over all pages', async () => {
    await setInterval(1);
    await until(async () => (await messages()).length >= 4, 'four messages can be read');
    await setInterval(3_600);
    await until(async () => {
      const { properties } = await client.iotHub.getDeviceTwin({ device_id: DEVICE });
      const { telemetry_interval_seconds: acknowledged } = properties.reported;
      return (acknowledged as { value: number }).value === 3_600;
    }, 'the device is quiet again');

    // What was sent last may still be on its way to the container.
    const all = await until(async () => {
      const before = await messages();
      const paged: TelemetryMessage[] = [];
      for await (const message of client.telemetry.listTelemetry({ device_id: DEVICE, limit: 2 })) paged.push(message);
      return ids(paged).join() === ids(before).join() && before;
    }, 'all pages together are what one page holds');
    const times = all.map(({ enqueued_time }) => enqueued_time);
    expect(times).toEqual(times.toSorted().reverse());
    expect(new Set(ids(all)).size).toBe(all.length);
  }, 60_000);

  it('has an event for each capture', async () => {
    const answer = await client.iotHub.callDirectMethod<object>({
      method_name: 'capture_image_from_camera',
      payload: { index: 0, blob_name: 'seen.jpg', correlation_id: 'e2e-1' },
    });
    const events = await until(async () => {
      const all = await messages({ kind: 'capture' });
      return all.length > 0 && all;
    }, 'the event can be read');
    expect(events).toHaveLength(1);
    expect(events[0]?.body).toEqual({
      ...answer.payload,
      blob_name: `${DEVICE}/seen.jpg`,
      captured_at: expect.any(String),
      source: 'camera',
      camera_index: 0,
      correlation_id: 'e2e-1',
    });
  });

  it('gives the latest message of each registered device', async () => {
    const [newest] = await messages();
    const { items } = await client.telemetry.listLatestTelemetry().page();
    expect(items).toMatchObject([{ device_id: DEVICE, latest: { id: newest?.id } }]);
  });

  it('is still there after a restart', async () => {
    const before = ids(await messages());
    await stack.stop();
    await start();
    expect(ids(await messages())).toEqual(expect.arrayContaining(before));
  }, 90_000);
});

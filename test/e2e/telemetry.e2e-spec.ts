import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadLocalStackConfig } from '../../apps/local-stack/src/local-stack.config.js';
import { LocalStack, type StackFacts } from '../../apps/local-stack/src/local-stack.js';
import { until } from '../support/until.js';

const DEVICE = 'device001';

interface Message {
  id: string;
  device_id: string;
  kind: string;
  enqueued_time: string;
  body: Record<string, unknown>;
  body_format: string;
  body_was_base64: boolean;
}

interface Page {
  items: Message[];
  continuation_token: string | null;
}

/** From the agent's processor to the answer of the API: agent, hub, routing, Cosmos DB and API, as `npm start` runs them. */
describe('telemetry, from the device to the API', () => {
  let dataDirectory: string;
  let stack: LocalStack;
  let facts: StackFacts;

  const start = async (): Promise<void> => {
    stack = new LocalStack(
      loadLocalStackConfig({
        DATA_DIR: dataDirectory,
        API_PORT: '0',
        IOT_HUB_EMULATOR_PORT: '0',
        IOT_HUB_EMULATOR_STANDARD_PORTS: 'false',
        AZURITE_PORT: '0',
        LOCAL_COSMOS_PORT: '0',
        LOCAL_VISION_PORT: '0',
        RATE_LIMIT_PER_MINUTE: '0',
      }),
    );
    facts = await stack.start();
  };

  beforeAll(async () => {
    dataDirectory = await mkdtemp(join(tmpdir(), 'spyglass-telemetry-'));
    await start();
  }, 60_000);

  afterAll(async () => {
    await stack.stop();
    await rm(dataDirectory, { recursive: true, force: true });
  }, 30_000);

  const read = async <Answer>(path: string, init?: RequestInit): Promise<Answer> => {
    const response = await fetch(`${facts.apiUrl}${path}`, init);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Answer;
  };
  const write = <Answer>(method: string, path: string, body: unknown): Promise<Answer> =>
    read(path, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  const messages = async (query = ''): Promise<Message[]> =>
    (await read<Page>(`/telemetry?device_id=${DEVICE}&limit=100${query}`)).items;
  const ids = (of: readonly Message[]): string[] => of.map(({ id }) => id);

  it('shows what the agent measures', async () => {
    const [first] = await until(async () => {
      const all = await messages('&kind=telemetry');
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
    await write('PATCH', `/iot_hub/device_twin?device_id=${DEVICE}`, {
      properties: { desired: { telemetry_interval_seconds: 1 } },
    });
    await until(async () => (await messages()).length >= 4, 'four messages can be read');
    await write('PATCH', `/iot_hub/device_twin?device_id=${DEVICE}`, {
      properties: { desired: { telemetry_interval_seconds: 3_600 } },
    });
    await until(async () => {
      const twin = await read<{ properties: { reported: { telemetry_interval_seconds: { value: number } } } }>(
        `/iot_hub/device_twin?device_id=${DEVICE}`,
      );
      return twin.properties.reported.telemetry_interval_seconds.value === 3_600;
    }, 'the device is quiet again');

    // What was sent last may still be on its way to the container.
    const all = await until(async () => {
      const before = await messages();
      const paged: Message[] = [];
      for (let token: string | null = ''; token !== null;) {
        const next: string = token && `&continuation_token=${encodeURIComponent(token)}`;
        const page: Page = await read(`/telemetry?device_id=${DEVICE}&limit=2${next}`);
        paged.push(...page.items);
        token = page.continuation_token;
      }
      return ids(paged).join() === ids(before).join() && before;
    }, 'all pages together are what one page holds');
    const times = all.map(({ enqueued_time }) => enqueued_time);
    expect(times).toEqual(times.toSorted().reverse());
    expect(new Set(ids(all)).size).toBe(all.length);
  }, 60_000);

  it('has an event for each capture', async () => {
    const answer = await write<{ payload: object }>('POST', '/iot_hub/call_direct_method', {
      method_name: 'capture_image_from_camera',
      payload: { index: 0, blob_name: 'seen.jpg', correlation_id: 'e2e-1' },
    });
    const events = await until(async () => {
      const all = await messages('&kind=capture');
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
    const { items } = await read<{ items: { device_id: string; latest: Message }[] }>('/telemetry/latest');
    expect(items).toMatchObject([{ device_id: DEVICE, latest: { id: newest?.id } }]);
  });

  it('is still there after a restart', async () => {
    const before = ids(await messages());
    await stack.stop();
    await start();
    expect(ids(await messages())).toEqual(expect.arrayContaining(before));
  }, 90_000);
});

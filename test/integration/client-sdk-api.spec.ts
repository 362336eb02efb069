import { randomBytes } from 'node:crypto';
import { openAsBlob, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient, SpyglassError, type SpyglassClient, type ListTelemetryParams } from '#client-sdk';
import { piece } from '../support/chat-server.js';
import { aRoutedDocument } from '../support/routed-document.js';
import { API_KEY, DEVICE, type SdkWorld, startSdkWorld } from '../support/sdk-world.js';
import { until } from '../support/until.js';

const MIB = 1024 * 1024;
const PICTURE = join(__dirname, '../../docs/assets/1_architecture.png');

interface Specification {
  paths: Record<string, Record<string, { operationId: string; tags: [string] }>>;
}

describe('the client SDK with the API', () => {
  let world: SdkWorld;
  let client: SpyglassClient;

  beforeAll(async () => {
    world = await startSdkWorld();
    client = createClient({ baseUrl: world.api.url, apiKey: API_KEY });
  }, 60_000);

  afterAll(() => world.close());

  const codeOf = async (call: Promise<unknown>): Promise<string> => {
    const error: unknown = await call.then(
      () => new Error('it did not fail'),
      (thrown: unknown) => thrown,
    );
    if (!(error instanceof SpyglassError)) throw error;
    expect(error.hint).not.toBe('');
    if (error.status !== undefined) expect(error.requestId).toMatch(/.{8}/);
    return error.code;
  };

  it('has a method for every operation, and no operation that the API lacks', () => {
    const { paths } = JSON.parse(
      readFileSync(join(__dirname, '../../client-sdk/openapi.json'), 'utf8'),
    ) as Specification;
    const camelCase = (tag: string): string => tag.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
    const described = Object.values(paths)
      .flatMap((methods) => Object.values(methods))
      .map(({ operationId, tags: [tag] }) => `${camelCase(tag)}.${operationId}`);
    const written = Object.entries(client).flatMap(([tag, operations]: [string, object]) =>
      Object.getOwnPropertyNames(Object.getPrototypeOf(operations))
        .filter((name) => name !== 'constructor')
        .map((name) => `${tag}.${name}`),
    );
    expect(written.toSorted()).toEqual(described.toSorted());
  });

  it('tells who the API is and how it is', async () => {
    expect(await client.core.getInfo()).toMatchObject({
      version: expect.any(String),
      node_version: process.versions.node,
    });
    expect(await client.core.checkLiveness()).toEqual({ status: 'live' });
    const { status, checks } = await client.core.checkReadiness();
    expect(status).toBe('ready');
    expect(checks.map(({ name }) => name)).toContain('iot_hub');
    expect(await client.core.getMetrics()).toContain('# HELP');
  });

  it('says which key is missing', async () => {
    const stranger = createClient({ baseUrl: world.api.url });
    expect(await codeOf(stranger.core.getInfo())).toBe('REQUEST.UNAUTHORIZED');
    expect(await stranger.core.checkLiveness()).toEqual({ status: 'live' });
  });

  describe('IoT Hub', () => {
    it.each([{ a: [1, null] }, [1, 2], 'text', 7, null, undefined])(
      'carries %j to a device and back',
      async (payload) => {
        const { status, payload: answer } = await client.iotHub.callDirectMethod<{ echoed: unknown }>({
          method_name: 'echo',
          payload,
        });
        expect(status).toBe(200);
        expect(answer.echoed).toEqual(payload ?? null);
      },
    );

    it('registers, lists page by page, shows and removes devices', async () => {
      const ids = ['sdk-1', 'sdk-2', 'sdk-3'];
      for (const device_id of ids) {
        const { connection_string } = await client.iotHub.registerDevice({ device_id });
        expect(connection_string).toContain(`DeviceId=${device_id}`);
      }
      expect(await codeOf(client.iotHub.registerDevice({ device_id: 'sdk-1' }))).toBe('DEVICE.ALREADY_EXISTS');

      const listed: string[] = [];
      for await (const { device_id } of client.iotHub.listDevices({ limit: 1 })) listed.push(device_id);
      expect(listed).toEqual(expect.arrayContaining([DEVICE, ...ids]));
      expect(new Set(listed).size).toBe(listed.length);

      const first = await client.iotHub.listDevices({ limit: 2 }).page();
      expect(first.items).toHaveLength(2);
      const further: string[] = [];
      const from = { limit: 2, continuation_token: first.continuation_token ?? '' };
      for await (const { items } of client.iotHub.listDevices(from).byPage()) {
        expect(items.length).toBeLessThanOrEqual(2);
        further.push(...items.map(({ device_id }) => device_id));
      }
      expect([...first.items.map(({ device_id }) => device_id), ...further]).toEqual(listed);

      expect(await client.iotHub.getDevice({ device_id: 'sdk-1' })).toMatchObject({ connection_state: 'Disconnected' });
      expect(await codeOf(client.iotHub.callDirectMethod({ device_id: 'sdk-1', method_name: 'echo' }))).toBe(
        'DEVICE.NOT_ONLINE',
      );
      for (const device_id of ids) await client.iotHub.removeDevice({ device_id });
      expect(await codeOf(client.iotHub.getDevice({ device_id: 'sdk-1' }))).toBe('DEVICE.NOT_FOUND');
    });

    it('stops asking for pages when the reader has enough', async () => {
      let requests = 0;
      const counting: typeof fetch = (input, init) => {
        requests += 1;
        return fetch(input, init);
      };
      const { iotHub } = createClient({ baseUrl: world.api.url, apiKey: API_KEY, fetch: counting });
      const devices = iotHub.listDevices({ limit: 1 });
      expect(requests).toBe(0);
      for await (const device of devices) {
        expect(device.device_id).not.toBe('');
        break;
      }
      expect(requests).toBe(1);
    });

    it('shows a twin and changes only what it has read', async () => {
      const { etag } = await client.iotHub.getDeviceTwin();
      const changed = await client.iotHub.updateDeviceTwin({
        tags: { site: 'lab' },
        properties: { desired: { label: 'north' } },
        if_match: etag,
      });
      expect(changed).toMatchObject({ device_id: DEVICE, tags: { site: 'lab' } });
      expect(changed.properties.desired).toMatchObject({ label: 'north' });
      expect(await codeOf(client.iotHub.updateDeviceTwin({ tags: {}, if_match: etag }))).toBe('DEVICE_TWIN.CHANGED');
      expect(await codeOf(client.iotHub.getDeviceTwin({ device_id: 'nobody' }))).toBe('DEVICE.NOT_FOUND');
    });
  });

  describe('blob storage', () => {
    it.each(['plain.txt', 'a/b/c.txt', 'images/looks/like a route.txt', 'grüße & 100% +?#.txt', '.hidden/..a.txt'])(
      'keeps what is stored as %j',
      async (blob_name) => {
        const stored = await client.blobStorage.uploadBlob({ blob_name, file: new Blob(['hello']) });
        expect(stored).toMatchObject({ name: blob_name, size_bytes: 5 });
        const download = await client.blobStorage.getBlob({ blob_name });
        expect(download.properties).toMatchObject({ name: blob_name, size_bytes: 5, etag: stored.etag });
        expect(await download.text()).toBe('hello');
        const properties = await client.blobStorage.headBlob({ blob_name });
        expect(properties).toEqual(download.properties);
        // A header tells whole seconds.
        expect(properties.last_modified?.slice(0, 19)).toBe(stored.last_modified.slice(0, 19));
        const { items } = await client.blobStorage.listBlobs({ prefix: blob_name }).page();
        expect(items).toEqual([stored]);
        await client.blobStorage.deleteBlob({ blob_name });
        expect(await codeOf(client.blobStorage.getBlob({ blob_name }))).toBe('BLOB.NOT_FOUND');
      },
    );

    it('replaces a blob only when told so', async () => {
      const upload = { blob_name: 'twice.txt', file: new Blob(['1']) };
      await client.blobStorage.uploadBlob(upload);
      expect(await codeOf(client.blobStorage.uploadBlob(upload))).toBe('BLOB.ALREADY_EXISTS');
      await client.blobStorage.uploadBlob({ ...upload, file: new Blob(['22']), overwrite: true });
      expect((await client.blobStorage.headBlob(upload)).size_bytes).toBe(2);
    });

    it('downloads a range, and only what is new', async () => {
      const { etag } = await client.blobStorage.uploadBlob({ blob_name: 'range.txt', file: new Blob(['0123456789']) });
      const part = await client.blobStorage.getBlob({ blob_name: 'range.txt', range: { start: 2, end: 4 } });
      expect(part).toMatchObject({ range: { start: 2, end: 4 }, properties: { size_bytes: 10 } });
      expect(await part.text()).toBe('234');
      const rest = await client.blobStorage.getBlob({ blob_name: 'range.txt', range: { start: 8 } });
      expect(await rest.text()).toBe('89');
      expect((await client.blobStorage.getBlob({ blob_name: 'range.txt' })).range).toBeUndefined();
      expect(await codeOf(client.blobStorage.getBlob({ blob_name: 'range.txt', range: { start: 99 } }))).toBe(
        'BLOB.RANGE_NOT_SATISFIABLE',
      );
      expect(await client.blobStorage.getBlob({ blob_name: 'range.txt', if_none_match: etag })).toBeUndefined();
      const changed = await client.blobStorage.getBlob({ blob_name: 'range.txt', if_none_match: '"other"' });
      expect(await changed?.text()).toBe('0123456789');
    });

    it('tells a missing blob though an answer to HEAD has no body', async () => {
      expect(await codeOf(client.blobStorage.headBlob({ blob_name: 'none' }))).toBe('BLOB.NOT_FOUND');
    });

    it('shows pictures, scaled and as stored', async () => {
      await client.blobStorage.uploadBlob({ blob_name: 'device001/in a/picture.png', file: await openAsBlob(PICTURE) });
      const picture = { device_name: 'device001', file_name: 'in a/picture.png' };
      const whole = await client.blobStorage.getImage(picture);
      expect(whole.properties).toMatchObject({ name: 'device001/in a/picture.png', content_type: 'image/png' });
      expect(Buffer.from(await whole.arrayBuffer()).equals(await readFile(PICTURE))).toBe(true);
      const small = await client.blobStorage.getImage({ ...picture, width: 160 });
      const blob = await small.blob();
      expect(blob.type).toBe('image/png');
      expect(blob.size).toBeLessThan(whole.properties.size_bytes ?? 0);
      expect(
        await client.blobStorage.getImage({ ...picture, if_none_match: whole.properties.etag ?? '' }),
      ).toBeUndefined();
    });

    it('streams a large file from disk to disk, and does not gather it', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'spyglass-sdk-'));
      try {
        const content = randomBytes(8 * MIB);
        await writeFile(join(folder, 'there.bin'), content);
        await client.blobStorage.uploadBlob({
          blob_name: 'large.bin',
          file: await openAsBlob(join(folder, 'there.bin')),
        });
        const { stream } = await client.blobStorage.getBlob({ blob_name: 'large.bin' });
        let largest = 0;
        const measured = stream.pipeThrough(
          new TransformStream<Uint8Array, Uint8Array>({
            transform(chunk, controller) {
              largest = Math.max(largest, chunk.length);
              controller.enqueue(chunk);
            },
          }),
        );
        await writeFile(join(folder, 'back.bin'), measured);
        expect((await readFile(join(folder, 'back.bin'))).equals(content)).toBe(true);
        expect(largest).toBeLessThanOrEqual(MIB);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });
  });

  describe('telemetry', () => {
    const DAY_MS = 86_400_000;
    const daysAgo = (days: number): string => new Date(Date.now() - days * DAY_MS).toISOString();

    beforeAll(() =>
      world.telemetry.upsertAll([
        aRoutedDocument({ id: 'old', enqueuedTime: daysAgo(20) }),
        aRoutedDocument({ id: 'capture', enqueuedTime: daysAgo(2), properties: { kind: 'capture' }, body: { a: 1 } }),
        aRoutedDocument({ id: 'new', enqueuedTime: daysAgo(1) }),
        aRoutedDocument({ id: 'elsewhere', enqueuedTime: daysAgo(1), deviceId: 'other' }),
      ]),
    );

    it('comes newest first, over all pages, of the kind and time that are asked for', async () => {
      const idsOf = async (params: ListTelemetryParams): Promise<string[]> => {
        const ids: string[] = [];
        for await (const { id } of client.telemetry.listTelemetry(params)) ids.push(id);
        return ids;
      };
      expect(await idsOf({ limit: 1 })).toEqual(['new', 'capture', 'old']);
      expect(await idsOf({ device_id: DEVICE, kind: 'telemetry', limit: 1 })).toEqual(['new', 'old']);
      expect(await idsOf({ from: daysAgo(10), to: daysAgo(1.5) })).toEqual(['capture']);
      expect(await idsOf({ from: daysAgo(1.5).replace('Z', '+00:00') })).toEqual(['new']);
      const { items } = await client.telemetry.listTelemetry({ kind: 'capture' }).page();
      expect(items).toMatchObject([{ device_id: DEVICE, body: { a: 1 }, body_format: 'json' }]);
      expect(await codeOf(client.telemetry.listTelemetry({ from: 'yesterday' }).page())).toBe('REQUEST.INVALID');
    });

    it('comes with each device', async () => {
      const { items } = await client.telemetry.listLatestTelemetry().page();
      expect(items).toMatchObject([{ device_id: DEVICE, connection_state: 'Connected', latest: { id: 'new' } }]);
    });
  });

  describe('AI services', () => {
    beforeEach(() => {
      world.chat.seen.length = 0;
      world.chat.answers.length = 0;
    });

    it('asks, and gives the whole answer', async () => {
      const { choices } = await client.aiServices.completeChat({ prompt: 'Hi', system_prompt: 'Be brief.' });
      expect(choices[0]?.message.content).toBe('hello');
      expect(world.chat.seen[0]?.body).toMatchObject({ stream: false });
    });

    it('gives the answer piece by piece, as it comes', async () => {
      let goOn = (): void => undefined;
      world.chat.answers.push((response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(piece('hel'));
        goOn = () => response.end(`${piece('lo')}data: [DONE]\n\n`);
      });
      const pieces: (string | null | undefined)[] = [];
      for await (const { choices } of await client.aiServices.completeChat({ prompt: 'Hi', stream: true })) {
        pieces.push(choices[0]?.delta.content);
        goOn();
      }
      expect(pieces).toEqual(['hel', 'lo']);
    });

    it('fails as a stream fails that breaks at the model', async () => {
      world.chat.answers.push((response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(piece('hel'), () => response.destroy());
      });
      const read = async (): Promise<void> => {
        for await (const { choices } of await client.aiServices.completeChat({ prompt: 'Hi', stream: true }))
          expect(choices[0]?.delta.content).toBe('hel');
      };
      expect(await codeOf(read())).toBe('AI.UNAVAILABLE');
    });

    it('lets the model go when the reader leaves', async () => {
      world.chat.answers.push((response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(piece('hel'));
      });
      for await (const { choices } of await client.aiServices.completeChat({ prompt: 'Hi', stream: true })) {
        expect(choices).toHaveLength(1);
        break;
      }
      await until(() => world.chat.seen[0]?.aborted, 'the API hangs up on the model');
    });

    it('asks about a picture that is sent along, with a schema', async () => {
      const schema = { type: 'object', properties: { num: { type: 'integer' } } };
      const file = await openAsBlob(PICTURE, { type: 'image/png' });
      await client.aiServices.completeChatWithImage({ prompt: 'How many?', file, json_schema: schema });
      expect(world.chat.seen[0]?.body).toMatchObject({ response_format: { json_schema: { schema } } });
      expect(await codeOf(client.aiServices.completeChatWithImage({ prompt: 'x', file: new Blob(['x']) }))).toBe(
        'IMAGE.NOT_AN_IMAGE',
      );
    });

    it('explains a stored picture', async () => {
      await client.blobStorage.uploadBlob({ blob_name: 'explain.png', file: await openAsBlob(PICTURE) });
      const { response, completion } = await client.aiServices.explainImage({ blob_name: 'explain.png' });
      expect(response).toBe('hello');
      expect(completion.model).toBe('m');
      expect(await codeOf(client.aiServices.explainImage({ blob_name: 'none.png' }))).toBe('BLOB.NOT_FOUND');
    });
  });
});

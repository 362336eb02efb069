import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadLocalStackConfig } from '../../apps/local-stack/src/local-stack.config.js';
import { LocalStack, type StackFacts } from '../../apps/local-stack/src/local-stack.js';

const DIAGRAM = './docs/assets/1_architecture.png';

/** The fields that this walk reads from one answer or another. */
interface Answer {
  code: string;
  hint: string;
  request_id: string;
  status: number;
  payload: { size_bytes: number };
  items: unknown[];
  response: string;
  etag: string;
  tags: unknown;
  properties: { desired: unknown };
  connection_string: string;
}

const read = async (response: Response): Promise<Answer> => (await response.json()) as Answer;

/** One started stack, on free ports with a fresh data folder, serves the whole walk. */
describe('the demo, over HTTP', () => {
  let dataDirectory: string;
  let stack: LocalStack;
  let facts: StackFacts;

  beforeAll(async () => {
    dataDirectory = await mkdtemp(join(tmpdir(), 'spyglass-demo-'));
    const config = loadLocalStackConfig({
      DATA_DIR: dataDirectory,
      API_PORT: '0',
      IOT_HUB_EMULATOR_PORT: '0',
      IOT_HUB_EMULATOR_STANDARD_PORTS: 'false',
      AZURITE_PORT: '0',
      LOCAL_VISION_PORT: '0',
      RATE_LIMIT_PER_MINUTE: '0',
    });
    stack = new LocalStack(config);
    facts = await stack.start();
  }, 60_000);

  afterAll(async () => {
    await stack.stop();
    await rm(dataDirectory, { recursive: true, force: true });
  }, 30_000);

  const call = (path: string, init?: RequestInit): Promise<Response> => fetch(`${facts.apiUrl}${path}`, init);
  const send = (method: string, path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
    call(path, { method, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) });
  const invoke = (method_name: string, payload?: unknown, more: object = {}): Promise<Response> =>
    send('POST', '/iot_hub/call_direct_method', { method_name, payload, ...more });
  const expectProblem = async (response: Response, status: number, code: string): Promise<void> => {
    const problem = await read(response);
    expect({ status: response.status, code: problem.code }).toEqual({ status, code });
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(problem).toMatchObject({ status, title: expect.any(String), detail: expect.any(String) });
    expect(problem.hint.length).toBeGreaterThan(10);
    expect(problem.request_id).toBe(response.headers.get('x-request-id'));
  };

  it('says who it is and that it is ready', async () => {
    expect(await read(await call('/core/info'))).toMatchObject({ version: expect.any(String) });
    expect((await call('/health/live')).status).toBe(200);
    expect((await call('/health/ready')).status).toBe(200);
  });

  it('serves Swagger UI from its own files alone', async () => {
    const page = await (await call('/')).text();
    expect(page).toContain('swagger-ui');
    expect(page).not.toMatch(/(?:src|href)="https?:/);
  });

  it('stores the picture that a device takes of a file, byte for byte', async () => {
    const response = await invoke('capture_image_from_file', { filename: DIAGRAM, blob_name: '1_architecture.png' });
    expect(response.status).toBe(200);
    const original = await readFile(DIAGRAM);
    expect(await read(response)).toMatchObject({
      status: 200,
      payload: {
        blob_name: 'device001/1_architecture.png',
        content_type: 'image/png',
        size_bytes: original.length,
        width: original.readUInt32BE(16),
        height: original.readUInt32BE(20),
      },
    });

    const list = await read(await call('/blob_storage?prefix=device001/'));
    expect(list.items).toContainEqual(
      expect.objectContaining({
        name: 'device001/1_architecture.png',
        content_type: 'image/png',
        size_bytes: original.length,
      }),
    );
    const image = await call('/blob_storage/images/device001/1_architecture.png');
    expect(image.headers.get('content-type')).toBe('image/png');
    expect(Buffer.from(await image.arrayBuffer()).equals(original)).toBe(true);
    const blob = await call('/blob_storage/device001/1_architecture.png');
    expect(Buffer.from(await blob.arrayBuffer()).equals(original)).toBe(true);
  });

  it('stores what the camera sees, another picture each time', async () => {
    const pictures: Buffer[] = [];
    for (const blob_name of ['first.jpg', 'second.jpg']) {
      const taken = await read(await invoke('capture_image_from_camera', { index: 0, blob_name }));
      expect(taken).toMatchObject({
        status: 200,
        payload: { blob_name: `device001/${blob_name}`, content_type: 'image/jpeg' },
      });
      const image = await call(`/blob_storage/images/device001/${blob_name}`);
      expect(image.headers.get('content-type')).toBe('image/jpeg');
      pictures.push(Buffer.from(await image.arrayBuffer()));
      expect(pictures.at(-1)?.length).toBe(taken.payload.size_bytes);
    }
    expect(pictures[0]?.equals(pictures[1] ?? Buffer.alloc(0))).toBe(false);
  });

  it('has the stored diagram explained by a model that reads its words', async () => {
    const response = await send('POST', '/ai_services/explain_image', {
      blob_name: 'device001/1_architecture.png',
      prompt: 'Read the text in this picture.',
    });
    expect(response.status).toBe(200);
    const text = JSON.stringify(await read(response));
    for (const word of ['Cloud API', 'IoT Hub', 'Blob Storage']) expect(text).toContain(word);
  }, 60_000);

  it('counts people in what the camera saw as JSON', async () => {
    const response = await send('POST', '/ai_services/explain_image', {
      blob_name: 'device001/first.jpg',
      prompt: 'How many people are there?',
      json_schema: { type: 'object', properties: { num: { type: 'integer' } }, required: ['num'] },
    });
    expect(response.status).toBe(200);
    const completion = await read(response);
    const { num } = JSON.parse(completion.response) as { num: number };
    expect(num).toBeGreaterThanOrEqual(1);
    expect(num).toBeLessThanOrEqual(12);
  }, 60_000);

  it('shows the twin and steers it', async () => {
    const twin = await read(await call('/iot_hub/device_twin?device_id=device001'));
    expect(twin).toMatchObject({
      device_id: 'device001',
      tags: { location: 'demo' },
      properties: {
        reported: {
          agent_version: expect.any(String),
          supported_methods: expect.arrayContaining(['capture_image_from_camera', 'capture_image_from_file']),
        },
      },
    });
    const patched = await send('PATCH', '/iot_hub/device_twin?device_id=device001', {
      tags: { location: null, room: 'lab' },
      properties: { desired: { label: 'north gate' } },
    });
    expect(patched.status).toBe(200);
    const after = await read(await call('/iot_hub/device_twin'));
    expect(after.tags).toEqual({ room: 'lab' });
    expect(after.properties.desired).toMatchObject({ label: 'north gate' });
    await expectProblem(
      await send('PATCH', '/iot_hub/device_twin', { tags: { room: 'hall' } }, { 'if-match': twin.etag }),
      412,
      'DEVICE_TWIN.CHANGED',
    );
    expect((await send('PATCH', '/iot_hub/device_twin', { properties: { reported: { a: 1 } } })).status).toBe(400);
  });

  it.each([
    ['a payload that breaks the contract', 'capture_image_from_file', { blob_name: 'x.gif' }, 400],
    [
      'a file outside the media root',
      'capture_image_from_file',
      { filename: '../secret.png', blob_name: 'x.png' },
      403,
    ],
    ['a method that nobody declared', 'open_the_door', {}, 404],
    [
      'a file that is not there',
      'capture_image_from_file',
      { filename: './docs/assets/no.png', blob_name: 'x.png' },
      404,
    ],
    ['a camera that is not there', 'capture_image_from_camera', { index: 9, blob_name: 'x.jpg' }, 404],
  ])('passes on what the device says to %s', async (_case, method, payload, status) => {
    const response = await invoke(method, payload);
    expect(response.status).toBe(200);
    const answer = await read(response);
    expect(answer.status).toBe(status);
    expect(answer.payload).toMatchObject({ code: expect.any(String), message: expect.any(String) });
  });

  it('tells apart why a device cannot be reached', async () => {
    await expectProblem(await invoke('any', {}, { device_id: 'nobody' }), 404, 'DEVICE.NOT_FOUND');
    const registered = await send('POST', '/iot_hub/devices', { device_id: 'offline-1' });
    expect(registered.status).toBe(201);
    expect((await read(registered)).connection_string).toContain('DeviceId=offline-1');
    await expectProblem(await invoke('any', {}, { device_id: 'offline-1' }), 404, 'DEVICE.NOT_ONLINE');
    const devices = await read(await call('/iot_hub/devices'));
    expect(devices.items).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ device_id: 'device001', connection_state: 'Connected' }),
        expect.objectContaining({ device_id: 'offline-1', connection_state: 'Disconnected' }),
      ]),
    );
    expect((await call('/iot_hub/devices/offline-1', { method: 'DELETE' })).status).toBe(204);
    await expectProblem(await call('/iot_hub/devices/offline-1'), 404, 'DEVICE.NOT_FOUND');
  });

  it('keeps, serves and removes what somebody uploads', async () => {
    const form = (): FormData => {
      const body = new FormData();
      body.set('file', new Blob(['hello, spyglass'], { type: 'text/plain' }), 'hello.txt');
      return body;
    };
    const name = encodeURIComponent('notes/grüße 1.txt');
    const created = await call(`/blob_storage?blob_name=${name}`, { method: 'POST', body: form() });
    expect(created.status).toBe(201);
    expect(created.headers.get('etag')).toBeTruthy();
    await expectProblem(
      await call(`/blob_storage?blob_name=${name}`, { method: 'POST', body: form() }),
      409,
      'BLOB.ALREADY_EXISTS',
    );
    const blob = await call(created.headers.get('location') ?? '');
    expect(await blob.text()).toBe('hello, spyglass');
    expect(
      (await call('/blob_storage/notes%2Fgr%C3%BC%C3%9Fe%201.txt', { headers: { range: 'bytes=0-4' } })).status,
    ).toBe(206);
    expect((await call(`/blob_storage/${name}`, { method: 'DELETE' })).status).toBe(204);
    await expectProblem(await call(`/blob_storage/${name}`), 404, 'BLOB.NOT_FOUND');
  });

  it('turns away a web page of somebody else', async () => {
    await expectProblem(
      await call('/core/info', { headers: { origin: 'https://evil.example' } }),
      403,
      'REQUEST.FOREIGN_ORIGIN',
    );
  });

  it('answers unknown routes and malformed bodies with problems', async () => {
    expect((await call('/nowhere')).status).toBe(404);
    const malformed = await call('/iot_hub/call_direct_method', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"method_name": ',
    });
    expect(malformed.status).toBe(400);
    expect(malformed.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  });
});

import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'azure-iot-device';
import { Mqtt } from 'azure-iot-device-mqtt';
import { createClient, type DirectMethodReply, type SpyglassClient, SpyglassError } from '#client-sdk';
import { FREE_PORTS, loadLocalStackConfig } from '../../apps/local-stack/src/local-stack.config.js';
import { LocalStack, type StackFacts } from '../../apps/local-stack/src/local-stack.js';
import { installPackedSdk, outside, OUTSIDE } from '../support/packed-sdk.js';

const MAX_UPLOAD_BYTES = 8 * 1024 * 1024;
const DIAGRAM = './docs/assets/1_architecture.png';

/** What a device answers that has taken a picture, or has not. */
interface Taken {
  size_bytes: number;
}

/** One started stack, on free ports with a fresh data folder, serves the whole walk. */
describe('the demo, through the client SDK', () => {
  let dataDirectory: string;
  let stack: LocalStack;
  let facts: StackFacts;
  let client: SpyglassClient;

  beforeAll(async () => {
    dataDirectory = await mkdtemp(join(tmpdir(), 'spyglass-demo-'));
    const config = loadLocalStackConfig({
      DATA_DIR: dataDirectory,
      ...FREE_PORTS,
      BLOB_STORAGE_MAX_UPLOAD_BYTES: String(MAX_UPLOAD_BYTES),
    });
    stack = new LocalStack(config);
    facts = await stack.start();
    client = createClient({ baseUrl: facts.apiUrl });
  }, 60_000);

  afterAll(async () => {
    await stack.stop();
    await rm(dataDirectory, { recursive: true, force: true });
  }, 30_000);

  const call = (path: string, init?: RequestInit): Promise<Response> => fetch(`${facts.apiUrl}${path}`, init);
  const invoke = (method_name: string, payload?: unknown, device_id?: string): Promise<DirectMethodReply<Taken>> =>
    client.iotHub.callDirectMethod<Taken>({ method_name, payload, ...(device_id !== undefined && { device_id }) });
  const expectProblem = async (answer: Promise<unknown>, status: number, code: string): Promise<void> => {
    const error: unknown = await answer.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (!(error instanceof SpyglassError)) throw new Error(`expected ${code}`, { cause: error });
    expect({ status: error.status, code: error.code }).toEqual({ status, code });
    expect(error.message.length).toBeGreaterThan(5);
    expect(error.hint.length).toBeGreaterThan(10);
    expect(error.requestId).toMatch(/^[\w-]{36}$/);
  };

  it('says who it is and that it is ready', async () => {
    expect((await client.core.getInfo()).version).toMatch(/^\d+\.\d+\.\d+/);
    expect(await client.core.checkLiveness()).toEqual({ status: 'live' });
    expect((await client.core.checkReadiness()).status).toBe('ready');
  });

  it('serves Swagger UI from its own files alone', async () => {
    const page = await (await call('/')).text();
    expect(page).toContain('swagger-ui');
    expect(page).not.toMatch(/(?:src|href)="https?:/);
  });

  it('stores the picture that a device takes of a file, byte for byte', async () => {
    const original = await readFile(DIAGRAM);
    const answer = await invoke('capture_image_from_file', { filename: DIAGRAM, blob_name: '1_architecture.png' });
    expect(answer).toMatchObject({
      status: 200,
      payload: {
        blob_name: 'device001/1_architecture.png',
        content_type: 'image/png',
        size_bytes: original.length,
        width: original.readUInt32BE(16),
        height: original.readUInt32BE(20),
      },
    });

    const listed = [];
    for await (const blob of client.blobStorage.listBlobs({ prefix: 'device001/' })) listed.push(blob);
    expect(listed).toContainEqual(
      expect.objectContaining({
        name: 'device001/1_architecture.png',
        content_type: 'image/png',
        size_bytes: original.length,
      }),
    );
    const image = await client.blobStorage.getImage({ device_name: 'device001', file_name: '1_architecture.png' });
    expect(image.properties.content_type).toBe('image/png');
    expect(Buffer.from(await image.arrayBuffer()).equals(original)).toBe(true);
    const blob = await client.blobStorage.getBlob({ blob_name: 'device001/1_architecture.png' });
    expect(Buffer.from(await blob.arrayBuffer()).equals(original)).toBe(true);
  });

  it('stores what the camera sees, another picture each time', async () => {
    const pictures: Buffer[] = [];
    for (const blob_name of ['first.jpg', 'second.jpg']) {
      const taken = await invoke('capture_image_from_camera', { index: 0, blob_name });
      expect(taken).toMatchObject({
        status: 200,
        payload: { blob_name: `device001/${blob_name}`, content_type: 'image/jpeg' },
      });
      const image = await client.blobStorage.getImage({ device_name: 'device001', file_name: blob_name });
      expect(image.properties.content_type).toBe('image/jpeg');
      pictures.push(Buffer.from(await image.arrayBuffer()));
      expect(pictures.at(-1)?.length).toBe(taken.payload.size_bytes);
    }
    expect(pictures[0]?.equals(pictures[1] ?? Buffer.alloc(0))).toBe(false);
  });

  it('has the stored diagram explained by a model that reads its words', async () => {
    const { response } = await client.aiServices.explainImage({
      blob_name: 'device001/1_architecture.png',
      prompt: 'Read the text in this picture.',
    });
    for (const word of ['Cloud API', 'IoT Hub', 'Blob Storage']) expect(response).toContain(word);
  }, 60_000);

  it('counts people in what the camera saw as JSON', async () => {
    const { response } = await client.aiServices.explainImage({
      blob_name: 'device001/first.jpg',
      prompt: 'How many people are there?',
      json_schema: { type: 'object', properties: { num: { type: 'integer' } }, required: ['num'] },
    });
    const { num } = JSON.parse(response) as { num: number };
    expect(num).toBeGreaterThanOrEqual(1);
    expect(num).toBeLessThanOrEqual(12);
  }, 60_000);

  it('answers a question piece by piece', async () => {
    let answer = '';
    for await (const { choices } of await client.aiServices.completeChat({ prompt: 'Who are you?', stream: true }))
      answer += choices[0]?.delta.content ?? '';
    expect(answer.length).toBeGreaterThan(20);
  });

  it('serves the example, which has the client SDK as it would be published', async () => {
    const example = await readFile('examples/look.mjs', 'utf8');
    expect(example.trimEnd().split('\n').length).toBeLessThanOrEqual(40);
    const project = await installPackedSdk();
    try {
      await copyFile('examples/look.mjs', join(project.folder, 'look.mjs'));
      const args = ['look.mjs', 'How many people are there?'];
      const said = await outside('node', args, project.folder, { ...OUTSIDE, SPYGLASS_URL: facts.apiUrl });
      expect(said).toMatch(/^Captured device001\/look\.jpg, \d+ x \d+\.\n/);
      expect(said).toMatch(/\n {2}device001\/look\.jpg, \d+ bytes\n/);
      expect(said).toMatch(/\nSaved as look\.jpg\.\n.*\d/s);
      const { properties } = await client.blobStorage.getBlob({ blob_name: 'device001/look.jpg' });
      expect((await readFile(join(project.folder, 'look.jpg'))).length).toBe(properties.size_bytes);
    } finally {
      await project.remove();
    }
  }, 60_000);

  it('shows the twin and steers it', async () => {
    const twin = await client.iotHub.getDeviceTwin({ device_id: 'device001' });
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
    await client.iotHub.updateDeviceTwin({
      device_id: 'device001',
      tags: { location: null, room: 'lab' },
      properties: { desired: { label: 'north gate' } },
    });
    const after = await client.iotHub.getDeviceTwin();
    expect(after.tags).toEqual({ room: 'lab' });
    expect(after.properties.desired).toMatchObject({ label: 'north gate' });
    await expectProblem(
      client.iotHub.updateDeviceTwin({ tags: { room: 'hall' }, if_match: twin.etag }),
      412,
      'DEVICE_TWIN.CHANGED',
    );
    const reported = { reported: { a: 1 } } as object;
    await expectProblem(client.iotHub.updateDeviceTwin({ properties: reported }), 400, 'REQUEST.INVALID');
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
    const answer = await invoke(method, payload);
    expect(answer.status).toBe(status);
    expect(answer.payload).toMatchObject({ code: expect.any(String), message: expect.any(String) });
  });

  it('tells apart why a device cannot be reached', async () => {
    await expectProblem(invoke('any', {}, 'nobody'), 404, 'DEVICE.NOT_FOUND');
    const { connection_string } = await client.iotHub.registerDevice({ device_id: 'offline-1' });
    expect(connection_string).toContain('DeviceId=offline-1');
    await expectProblem(invoke('any', {}, 'offline-1'), 404, 'DEVICE.NOT_ONLINE');
    const devices = [];
    for await (const device of client.iotHub.listDevices({ limit: 1 })) devices.push(device);
    expect(devices).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ device_id: 'device001', connection_state: 'Connected' }),
        expect.objectContaining({ device_id: 'offline-1', connection_state: 'Disconnected' }),
      ]),
    );
    await client.iotHub.removeDevice({ device_id: 'offline-1' });
    await expectProblem(client.iotHub.getDevice({ device_id: 'offline-1' }), 404, 'DEVICE.NOT_FOUND');
  });

  it('tells apart how a connected device gives no answer', async () => {
    const { connection_string } = await client.iotHub.registerDevice({ device_id: 'mute-1' });
    const device = Client.fromConnectionString(connection_string, Mqtt);
    try {
      await device.open();
      await expectProblem(invoke('any', {}, 'mute-1'), 404, 'DEVICE.NOT_LISTENING');
      // It listens now, and leaves every other method unanswered, as this SDK does.
      device.onDeviceMethod('another', () => undefined);
      const late = {
        device_id: 'mute-1',
        method_name: 'any',
        connect_timeout_seconds: 10,
        response_timeout_seconds: 5,
      };
      await expectProblem(client.iotHub.callDirectMethod(late), 504, 'DEVICE.TIMEOUT');
    } finally {
      await device.close();
      await client.iotHub.removeDevice({ device_id: 'mute-1' });
    }
  }, 30_000);

  it('refuses to explain what is no picture', async () => {
    const file = new Blob(['hello'], { type: 'image/png' });
    await client.blobStorage.uploadBlob({ blob_name: 'notes/fake.png', file });
    await expectProblem(client.aiServices.explainImage({ blob_name: 'notes/fake.png' }), 415, 'IMAGE.NOT_AN_IMAGE');
    await client.blobStorage.deleteBlob({ blob_name: 'notes/fake.png' });
  });

  it('keeps, serves and removes what somebody uploads', async () => {
    const { blobStorage } = client;
    const blob_name = 'notes/grüße 1.txt';
    const file = new Blob(['hello, spyglass'], { type: 'text/plain' });
    const { etag } = await blobStorage.uploadBlob({ blob_name, file });
    expect(etag).toMatch(/^".+"$/);
    await expectProblem(blobStorage.uploadBlob({ blob_name, file }), 409, 'BLOB.ALREADY_EXISTS');
    const whole = await blobStorage.getBlob({ blob_name });
    expect(whole.properties.etag).toBe(etag);
    expect(await whole.text()).toBe('hello, spyglass');
    const part = await blobStorage.getBlob({ blob_name, range: { start: 0, end: 4 } });
    expect(await part.text()).toBe('hello');
    expect(await blobStorage.getBlob({ blob_name, if_none_match: etag })).toBeUndefined();
    await blobStorage.deleteBlob({ blob_name });
    await expectProblem(blobStorage.getBlob({ blob_name }), 404, 'BLOB.NOT_FOUND');
  });

  it('says in its answer where an upload is found', async () => {
    const body = new FormData();
    body.set('file', new Blob(['located']), 'located.txt');
    const created = await call(`/blob_storage?blob_name=${encodeURIComponent('notes/ä.txt')}`, {
      method: 'POST',
      body,
    });
    expect(created.status).toBe(201);
    expect(created.headers.get('etag')).toMatch(/^".+"$/);
    expect(await (await call(created.headers.get('location') ?? '')).text()).toBe('located');
  });

  it('turns away a web page of somebody else', async () => {
    const response = await call('/core/info', { headers: { origin: 'https://evil.example' } });
    await expectProblemBody(response, 403, 'REQUEST.FOREIGN_ORIGIN');
  });

  it('answers unknown routes and malformed bodies with problems', async () => {
    await expectProblemBody(await call('/nowhere'), 404, 'ROUTE.NOT_FOUND');
    const malformed = await call('/iot_hub/call_direct_method', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"method_name": ',
    });
    await expectProblemBody(malformed, 400, 'REQUEST.MALFORMED');
  });

  it('refuses an upload beyond the limit', async () => {
    const body = new FormData();
    body.set('file', new Blob([new Uint8Array(MAX_UPLOAD_BYTES + 1)]), 'large.bin');
    const response = await call('/blob_storage?blob_name=large.bin', { method: 'POST', body });
    await expectProblemBody(response, 413, 'REQUEST.TOO_LARGE');
    await expectProblem(client.blobStorage.getBlob({ blob_name: 'large.bin' }), 404, 'BLOB.NOT_FOUND');
  });

  it('says that the hub is gone when it is', async () => {
    process.kill(stack.processIds['iot-hub-emulator'] ?? Number.NaN, 'SIGKILL');
    await stack.failure();
    await expectProblem(invoke('any', {}), 502, 'IOT_HUB.UNREACHABLE');
  });
});

/** What the client SDK cannot be made to send is looked at as HTTP. */
async function expectProblemBody(response: Response, status: number, code: string): Promise<void> {
  expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(response.status).toBe(status);
  expect(await response.json()).toMatchObject({
    status,
    code,
    title: expect.any(String),
    detail: expect.any(String),
    hint: expect.stringMatching(/.{10}/),
    request_id: response.headers.get('x-request-id'),
  });
}

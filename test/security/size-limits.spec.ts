import { message } from 'rhea';
import { httpsCall } from '../support/https-call.js';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { openTls, openWebSocket, RawMqtt } from '../support/raw-mqtt.js';
import { sasToken } from '../support/sas.js';
import { serviceToken } from '../support/service-token.js';
import { amqpOver, AmqpSending } from '../torture/support/amqp-client.js';

const KIB = 1024;
const EVENTS = 'devices/cam/messages/events/';
const DEVICE_BOUND = '/devices/cam/messages/devicebound';

let hub: TestIotHub;
let mqtt: RawMqtt | undefined;
const told: { topic: string; payload: string }[] = [];
/** What the device answers to the next method call. */
let answer = '';

beforeAll(async () => {
  const account = 'AccountName=devstoreaccount1;AccountKey=c2VjcmV0;BlobEndpoint=https://127.0.0.1:1/devstoreaccount1';
  hub = await startTestIotHub({
    storage: { connectionString: `DefaultEndpointsProtocol=https;${account}`, containerName: 'dev' },
  });
  await hub.addDevice('cam');
});
afterAll(async () => {
  mqtt?.destroy();
  await hub.close();
});

const address = () => ({ port: hub.emulator.port, ca: hub.emulator.caCertificate });

function deviceToken(): string {
  const { hostName } = hub.emulator;
  const key = hub.emulator.deviceConnectionString('cam').split('SharedAccessKey=')[1] ?? '';
  return sasToken({ resource: encodeURIComponent(`${hostName}/devices/cam`), key });
}

async function connect(webSocket = false): Promise<RawMqtt> {
  const connection = new RawMqtt(await (webSocket ? openWebSocket(address()) : openTls(address())));
  const username = `${hub.emulator.hostName}/cam/?api-version=2021-04-12`;
  expect(await connection.connect({ clientId: 'cam', username, password: Buffer.from(deviceToken()) })).toBe(0);
  return connection;
}

/** The device's connection, a new one after the last was cut off. */
async function device(): Promise<RawMqtt> {
  if (mqtt && !mqtt.isClosed) return mqtt;
  const connection = await connect();
  mqtt = connection;
  connection.onPublish = ({ topic, payload }) => {
    told.push({ topic, payload: payload.toString() });
    const requestId = /^\$iothub\/methods\/POST\/.*\$rid=([^&]+)/.exec(topic)?.[1];
    if (requestId === undefined) return;
    publishUnasked(connection, `$iothub/methods/res/200/?$rid=${requestId}`, answer);
  };
  await connection.subscribe('$iothub/methods/POST/#', '$iothub/twin/res/#');
  return connection;
}

const publishUnasked = (connection: RawMqtt, topic: string, payload: string) => {
  connection.send({ cmd: 'publish', qos: 0, dup: false, retain: false, topic, payload });
};

async function call(
  authorization: string,
  request: { method: string; path: string; headers?: Record<string, string>; body?: string },
): Promise<boolean> {
  const { status } = await httpsCall(hub.agent, {
    ...request,
    path: `${request.path}?api-version=2021-04-12`,
    headers: { authorization, ...request.headers },
  });
  if (status >= 500 && status !== 502) throw new Error(`${request.path} was answered with ${status}.`);
  return status < 300;
}
const asOwner = (method: string, path: string, body?: unknown) =>
  call(serviceToken(hub), { method, path, ...(body !== undefined && { body: JSON.stringify(body) }) });
const asDevice = (path: string, body: string, headers: Record<string, string> = {}) =>
  call(deviceToken(), { method: 'POST', path, headers, body });

const accepted = (work: Promise<unknown>): Promise<boolean> =>
  work.then(
    () => true,
    () => false,
  );

async function publishOver(connection: RawMqtt, topic: string, payload: string): Promise<boolean> {
  const taken = await accepted(connection.publish(topic, payload));
  connection.destroy();
  return taken;
}

async function sendOverAmqp(token: string, link: string, sent: Parameters<AmqpSending['send']>[0]): Promise<boolean> {
  const client = amqpOver(await openTls(address()), { username: 'anonymous' });
  expect((await client.putToken(token)).status).toBe(200);
  const taken = await accepted(new AmqpSending(await client.sender(link)).send(sent));
  client.stream.destroy();
  return taken;
}

const section = (bytes: number) => message.data_section(Buffer.alloc(bytes, 'x')) as unknown as Buffer;

async function report(properties: unknown): Promise<boolean> {
  const connection = await device();
  const requestId = String(told.length);
  publishUnasked(connection, `$iothub/twin/PATCH/properties/reported/?$rid=${requestId}`, JSON.stringify(properties));
  // Replies come in the order of requests and answers to pings.
  for (;;) {
    await connection.ping();
    const reply = told.find(({ topic }) => topic.includes(`/res/`) && topic.includes(`$rid=${requestId}`));
    if (reply) return reply.topic.split('/')[3] === '204';
  }
}

/** Properties of so many bytes, as twins count them: names and texts. */
function properties(bytes: number): Record<string, string | null> {
  const result: Record<string, string | null> = {};
  let left = bytes;
  for (let number = 10; left > 0; number += 1) {
    const size = Math.min(left, 4000);
    // What is left must have room for a name.
    const taken = left - size > 0 && left - size < 10 ? size - 10 : size;
    result[`p${number}`] = 'x'.repeat(taken - 3);
    left -= taken;
  }
  return result;
}

/** Each: what is limited, the largest that is taken, and how to try one. */
const LIMITS: readonly [string, number, (size: number) => Promise<boolean>][] = [
  ['a message over MQTT', 256 * KIB, async (size) => publishOver(await connect(), EVENTS, 'x'.repeat(size))],
  ['a message over WebSocket', 256 * KIB, async (size) => publishOver(await connect(true), EVENTS, 'x'.repeat(size))],
  [
    'a message with properties over MQTT',
    256 * KIB,
    async (size) =>
      publishOver(await connect(), `${EVENTS}%24.mid=id&name=value`, 'x'.repeat(size - 'idnamevalue'.length)),
  ],
  ['a message over HTTPS', 256 * KIB, (size) => asDevice('/devices/cam/messages/events', 'x'.repeat(size))],
  [
    'a message with properties over HTTPS',
    256 * KIB,
    (size) =>
      asDevice('/devices/cam/messages/events', 'x'.repeat(size - 'idnamevalue'.length), {
        'iothub-messageid': 'id',
        'iothub-app-name': 'value',
      }),
  ],
  [
    'a batch over HTTPS',
    256 * KIB,
    (size) =>
      asDevice(
        '/devices/cam/messages/events',
        JSON.stringify([100_000, size - 100_000].map((part) => ({ body: Buffer.alloc(part, 'x').toString('base64') }))),
        { 'content-type': 'application/vnd.microsoft.iothub.json' },
      ),
  ],
  [
    'a message over AMQP',
    256 * KIB,
    (size) => sendOverAmqp(deviceToken(), '/devices/cam/messages/events', { body: section(size) }),
  ],
  [
    'a message with properties over AMQP',
    256 * KIB,
    (size) =>
      sendOverAmqp(deviceToken(), '/devices/cam/messages/events', {
        message_id: 'id',
        application_properties: { name: 'value' },
        body: section(size - 'idnamevalue'.length),
      }),
  ],
  [
    'a message to a device',
    64 * KIB,
    (size) =>
      sendOverAmqp(serviceToken(hub), '/messages/devicebound', {
        to: DEVICE_BOUND,
        body: section(size - DEVICE_BOUND.length),
      }),
  ],
  [
    'the id of a message to a device',
    128,
    (size) =>
      sendOverAmqp(serviceToken(hub), '/messages/devicebound', {
        ...{ to: DEVICE_BOUND, message_id: 'i'.repeat(size), body: section(1) },
      }),
  ],
  [
    'the payload of a method call',
    128 * KIB,
    async (size) => {
      await device();
      answer = '1';
      return asOwner('POST', '/twins/cam/methods', { methodName: 'm', payload: 'x'.repeat(size - 2) });
    },
  ],
  [
    'the answer to a method call',
    128 * KIB,
    async (size) => {
      await device();
      answer = JSON.stringify('x'.repeat(size - 2));
      return asOwner('POST', '/twins/cam/methods', { methodName: 'm' });
    },
  ],
  [
    'desired properties',
    32 * KIB,
    (size) => asOwner('PUT', '/twins/cam', { properties: { desired: properties(size) } }),
  ],
  ['tags', 8 * KIB, (size) => asOwner('PUT', '/twins/cam', { tags: properties(size) })],
  [
    'reported properties over MQTT',
    32 * KIB,
    async (size) => {
      const all = properties(size);
      const taken = await report(all);
      await report(Object.fromEntries(Object.keys(all).map((name) => [name, null])));
      return taken;
    },
  ],
  ['a text in a twin', 4 * KIB, (size) => asOwner('PUT', '/twins/cam', { tags: { text: 'x'.repeat(size) } })],
  ['a name in a twin', 1 * KIB, (size) => asOwner('PUT', '/twins/cam', { tags: { ['n'.repeat(size)]: 1 } })],
  ['levels of a twin', 10, (size) => asOwner('PUT', '/twins/cam', { tags: nested(size) })],
  [
    'the id of a device',
    128,
    (size) => asOwner('PUT', `/devices/${'d'.repeat(size)}`, { deviceId: 'd'.repeat(size) }).then(forgetting(size)),
  ],
  [
    'the name of a blob, with the device before it',
    1024,
    (size) => asDevice('/devices/cam/files', JSON.stringify({ blobName: 'b'.repeat(size - 'cam/'.length) })),
  ],
  [
    'filters in a SUBSCRIBE',
    5,
    async (size) => {
      const connection = await connect();
      const taken = await accepted(connection.subscribe(...Array<string>(size).fill('$iothub/twin/res/#')));
      connection.destroy();
      return taken;
    },
  ],
  [
    'devices in a bulk request',
    100,
    (size) =>
      asOwner(
        'POST',
        '/devices',
        Array.from({ length: size }, (_, index) => ({ id: `bulk-${index}`, importMode: 'createOrUpdate' })),
      ),
  ],
];

const nested = (levels: number): Record<string, unknown> =>
  levels === 0 ? { leaf: 1 } : { level: nested(levels - 1) };

/** A device that was made is removed again. */
const forgetting = (size: number) => async (made: boolean) => {
  if (made)
    await call(serviceToken(hub), {
      method: 'DELETE',
      path: `/devices/${'d'.repeat(size)}`,
      headers: { 'if-match': '*' },
    });
  return made;
};

describe('the limit of', () => {
  it.each(LIMITS)('%s is %i: one less and it are taken, one more is refused', async (_what, limit, attempt) => {
    expect(await attempt(limit - 1)).toBe(true);
    expect(await attempt(limit)).toBe(true);
    expect(await attempt(limit + 1)).toBe(false);
    // The refusal has cost the hub nothing else.
    expect(await attempt(limit)).toBe(true);
  });
});

describe('the number of', () => {
  it('messages that wait for a device is 50', async () => {
    await hub.addDevice('deaf');
    const send = () =>
      sendOverAmqp(serviceToken(hub), '/messages/devicebound', {
        ...{ to: '/devices/deaf/messages/devicebound', body: section(1) },
      });
    for (let count = 0; count < 50; count += 1) expect(await send()).toBe(true);
    expect(await send()).toBe(false);
  });

  it('uploads that a device has open is 10', async () => {
    await hub.addDevice('uploader');
    const key = hub.emulator.deviceConnectionString('uploader').split('SharedAccessKey=')[1] ?? '';
    const resource = encodeURIComponent(`${hub.emulator.hostName}/devices/uploader`);
    const open = () =>
      call(sasToken({ resource, key }), { method: 'POST', path: '/devices/uploader/files', body: '{"blobName":"b"}' });
    for (let count = 0; count < 10; count += 1) expect(await open()).toBe(true);
    expect(await open()).toBe(false);
  });
});

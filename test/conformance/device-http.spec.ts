import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SharedAccessSignature } from 'azure-iot-common';
import { Client, Message } from 'azure-iot-device';
import { Http } from 'azure-iot-device-http';
import { httpsCall } from '../support/https-call.js';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { storedMessages } from '../support/stored-messages.js';

const BATCH = 'application/vnd.microsoft.iothub.json';

describe('device-to-cloud messages over HTTPS', () => {
  let hub: TestIotHub;
  let dataDirectory: string;
  let clients: Client[];

  beforeAll(async () => {
    dataDirectory = await mkdtemp(join(tmpdir(), 'iot-hub-http-'));
    hub = await startTestIotHub({ inMemory: false, dataDirectory });
  });
  afterAll(async () => {
    await hub.close();
    await rm(dataDirectory, { recursive: true, force: true });
  });
  beforeEach(() => {
    clients = [];
  });
  afterEach(() => Promise.all(clients.map((client) => client.close())));

  /**
   * The SDK's HTTP client takes `host:port` for a host name; an agent brings it to the port. Its `setOptions` ends only
   * for options that hold a receive policy.
   */
  async function aDevice(deviceId: string): Promise<Client> {
    const { connectionString } = await hub.addDevice(deviceId);
    const client = Client.fromConnectionString(connectionString, Http);
    await client.setOptions({ http: { agent: hub.agent, receivePolicy: { manualPolling: true } } });
    clients.push(client);
    return client;
  }

  /** What no SDK would send, with a good token of the device. */
  function post(deviceId: string, headers: Record<string, string>, body: string, path = 'messages/events') {
    const { hostName } = hub.emulator;
    const key = hub.emulator.deviceConnectionString(deviceId).split('SharedAccessKey=')[1] ?? '';
    const token = SharedAccessSignature.create(
      encodeURIComponent(`${hostName}/devices/${deviceId}`),
      '',
      key,
      Math.floor(Date.now() / 1000) + 3600,
    );
    return httpsCall(hub.agent, {
      method: 'POST',
      path: `/devices/${deviceId}/${path}?api-version=2021-04-12`,
      headers: { authorization: token.toString().replace(/&skn=$/, ''), ...headers },
      body,
    });
  }

  it('arrive through azure-iot-device-http with system and user properties', async () => {
    const device = await aDevice('single');
    const message = new Message(JSON.stringify({ level: 3 }));
    message.messageId = 'm-1';
    message.correlationId = 'c-1';
    message.userId = 'u-1';
    message.contentType = 'application/json';
    message.contentEncoding = 'utf-8';
    message.properties.add('alert', 'yes');
    message.properties.add('Unit', 'a=b&c d');
    await device.sendEvent(message);
    expect(storedMessages(dataDirectory, 'single')).toEqual([
      {
        body: '{"level":3}',
        systemProperties: {
          messageId: 'm-1',
          correlationId: 'c-1',
          userId: 'u-1',
          to: '/devices/single/messages/events',
          contentType: 'application/json',
          contentEncoding: 'utf-8',
        },
        properties: { alert: 'yes', Unit: 'a=b&c d' },
      },
    ]);
  });

  it('arrive in batches, in order and each with its own properties', async () => {
    const device = await aDevice('batch');
    const messages = Array.from({ length: 50 }, (_, index) => {
      const message = new Message(`Nr. ${index} ☀`);
      message.properties.add('index', String(index));
      return message;
    });
    await device.sendEventBatch(messages);
    const stored = storedMessages(dataDirectory, 'batch');
    expect(stored.map(({ body }) => body)).toEqual(messages.map((_, index) => `Nr. ${index} ☀`));
    expect(stored.map(({ properties }) => properties)).toEqual(messages.map((_, index) => ({ index: String(index) })));
  });

  it('arrive as bytes, whatever they are', async () => {
    const device = await aDevice('bytes');
    const body = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
    await device.sendEvent(new Message(body));
    expect(storedMessages(dataDirectory, 'bytes').map((message) => message.body)).toEqual([body.toString()]);
  });

  it('are taken up to 256 KiB and refused beyond, a batch as a whole', async () => {
    const device = await aDevice('large');
    await device.sendEvent(new Message('x'.repeat(256 * 1024 - '/devices/large/messages/events'.length)));
    const half = Buffer.alloc(130 * 1024, 'x').toString('base64');
    const batch = JSON.stringify([{ body: half }, { body: half }]);
    for (const reply of [
      await post('large', {}, 'x'.repeat(256 * 1024 + 1)),
      await post('large', { 'content-type': BATCH }, batch),
      await post('large', { 'content-type': BATCH }, 'x'.repeat(5 * 1024 * 1024)),
    ]) {
      expect(reply.status).toBe(413);
      expect(reply.headers['iothub-errorcode']).toBe('MessageTooLarge');
    }
    expect(storedMessages(dataDirectory, 'large')).toHaveLength(1);
  });

  it.each([
    ['no JSON', '[{'],
    ['no list', '{"body":""}'],
    ['an empty list', '[]'],
    ['a body that is no base64', '[{"body":"aGk="},{"body":"***"}]'],
    ['a property that is no text', '[{"body":"aGk=","properties":{"iothub-app-a":1}}]'],
  ])('are refused as a batch of %s, and none of it is kept', async (name, body) => {
    const deviceId = `bad-${name.replaceAll(/\W/g, '')}`;
    await aDevice(deviceId);
    expect((await post(deviceId, { 'content-type': BATCH }, body)).status).toBe(400);
    expect(storedMessages(dataDirectory, deviceId)).toEqual([]);
  });

  it('tell the SDK what was wrong', async () => {
    const device = await aDevice('refused');
    await hub.registry.delete('refused');
    await expect(device.sendEvent(new Message('x'))).rejects.toMatchObject({ name: 'UnauthorizedError' });
  });

  it('are no way around a device that is disabled', async () => {
    const device = await aDevice('sleeping');
    await hub.registry.update({ deviceId: 'sleeping', status: 'disabled' });
    await expect(device.sendEvent(new Message('x'))).rejects.toThrow();
    expect(storedMessages(dataDirectory, 'sleeping')).toEqual([]);
  });
});

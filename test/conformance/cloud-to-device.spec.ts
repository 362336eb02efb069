import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { Client as DeviceClient } from 'azure-iot-device';
import { Amqp, AmqpWs } from 'azure-iot-device-amqp';
import { Http } from 'azure-iot-device-http';
import { Mqtt, MqttWs } from 'azure-iot-device-mqtt';
import { Message } from 'azure-iot-common';
import { Client as ServiceClient } from 'azure-iothub';
import { httpsCall } from '../support/https-call.js';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { serviceToken } from '../support/service-token.js';
import { until } from '../support/until.js';

/** A record of feedback, as services get it. */
interface FeedbackRecord {
  readonly originalMessageId: string;
  readonly deviceId: string;
  readonly deviceGenerationId: string;
  readonly enqueuedTimeUtc: string;
  readonly statusCode: string;
}

const POLL_SECONDS = 0.05;
const TRANSPORTS = {
  MQTT: Mqtt,
  'MQTT over WebSocket': MqttWs,
  AMQP: Amqp,
  'AMQP over WebSocket': AmqpWs,
  HTTPS: Http,
} as const;
type Transport = keyof typeof TRANSPORTS;

const textOf = (message: Message): string => Buffer.from(message.getData() as Buffer | string).toString();

describe('cloud-to-device messages, from azure-iothub to azure-iot-device', () => {
  const trusted = getCACertificates('default');
  let dataDirectory: string;
  let hub: TestIotHub;
  let service: ServiceClient;
  let feedback: FeedbackRecord[];
  let devices: DeviceClient[];

  beforeEach(async () => {
    dataDirectory = await mkdtemp(join(tmpdir(), 'iot-hub-'));
    feedback = [];
    devices = [];
    await start();
  });
  afterEach(async () => {
    await stop();
    await rm(dataDirectory, { recursive: true });
  });

  async function start(port = 0): Promise<void> {
    hub = await startTestIotHub({ inMemory: false, dataDirectory, port });
    setDefaultCACertificates([...trusted, hub.emulator.caCertificate]);
    service = ServiceClient.fromConnectionString(hub.emulator.serviceConnectionString);
    await service.open();
  }
  async function stop(): Promise<void> {
    await Promise.all(devices.map((device) => device.close().catch(() => undefined)));
    devices = [];
    await service.close();
    await hub.close();
    setDefaultCACertificates(trusted);
  }

  /** Gathers feedback from now on. */
  async function gatherFeedback(): Promise<void> {
    const { result: receiver } = await service.getFeedbackReceiver();
    receiver.on('message', (message: Message) => {
      feedback.push(...(JSON.parse(textOf(message)) as FeedbackRecord[]));
    });
  }
  const told = () => feedback.map(({ originalMessageId, statusCode }) => `${originalMessageId} ${statusCode}`);
  const toldOf = (...wanted: string[]) =>
    until(() => wanted.every((text) => told().includes(text)), `feedback of ${wanted.join(', ')}`);

  const aMessage = (messageId: string, parts: Partial<Message> = {}) =>
    Object.assign(new Message(messageId), { messageId, ack: 'full', ...parts });
  const send = async (...ids: string[]) => {
    for (const id of ids) await service.send('d1', aMessage(id));
  };
  const countIn = async (view: 'get' | 'getTwin') =>
    ((await hub.registry[view]('d1')).responseBody as { cloudToDeviceMessageCount?: number }).cloudToDeviceMessageCount;
  const count = () => countIn('get');

  /** A client that hands every message it gets to `handle`. */
  async function device(transport: Transport, handle: (message: Message, client: DeviceClient) => unknown) {
    const connectionString = hub.emulator.deviceConnectionString('d1');
    // Over WebSocket the SDK appends a port of its own; the agent goes to the hub's.
    const target = transport.endsWith('WebSocket')
      ? connectionString.replace(/(HostName=[^:;]+):\d+/, '$1')
      : connectionString;
    const client = DeviceClient.fromConnectionString(target, TRANSPORTS[transport]);
    devices.push(client);
    await client.setOptions({
      ca: hub.emulator.caCertificate,
      http: { agent: hub.agent, receivePolicy: { interval: POLL_SECONDS } },
      mqtt: { webSocketAgent: hub.agent },
      amqp: { webSocketAgent: hub.agent },
    });
    await client.open();
    client.on('message', (message: Message) => void handle(message, client));
    return client;
  }
  /** A client that completes all it gets. */
  async function receiver(transport: Transport) {
    const received: Message[] = [];
    const client = await device(transport, async (message) => {
      received.push(message);
      await client.complete(message);
    });
    return { client, received, texts: () => received.map(textOf) };
  }

  describe.each(Object.keys(TRANSPORTS) as Transport[])('over %s', (transport) => {
    it('arrive with their properties, are completed, and the sender hears of it', async () => {
      await hub.addDevice('d1');
      await gatherFeedback();
      const { received } = await receiver(transport);
      const message = aMessage('id-1', {
        correlationId: 'corr',
        contentType: 'application/json',
        contentEncoding: 'utf-8',
      });
      // The HTTPS transport makes text of every body.
      const body = transport === 'HTTPS' ? 'text' : Buffer.from([0, 1, 254, 255]);
      message.data = body;
      message.properties.add('colour', 'a/b c&d=é');
      await service.send('d1', message);
      await until(() => received.length === 1, 'the message arrives');
      const [got] = received;
      expect(got).toMatchObject({ messageId: 'id-1', correlationId: 'corr' });
      expect(got?.to).toMatch(/^\/devices\/d1\/messages\/deviceBound$/i);
      expect(got?.getData()).toEqual(body);
      const properties = new Map(got?.properties.propertyList.map(({ key, value }) => [key, value]));
      const value = properties.get(transport === 'HTTPS' ? 'iothub-app-colour' : 'colour') as string;
      // A header is bytes, which Node reads as Latin-1.
      expect(transport === 'HTTPS' ? Buffer.from(value, 'latin1').toString() : value).toBe('a/b c&d=é');
      await toldOf('id-1 Success');
      const { generationId } = (await hub.registry.get('d1')).responseBody;
      expect(feedback).toEqual([
        expect.objectContaining({ deviceId: 'd1', deviceGenerationId: generationId, description: 'Success' }),
      ]);
      expect(await count()).toBe(0);
    });

    it('wait for a device that is away, and arrive in order', async () => {
      await hub.addDevice('d1');
      const ids = Array.from({ length: 20 }, (_, index) => `m${index}`);
      await send(...ids);
      expect([await count(), await countIn('getTwin')]).toEqual([20, 20]);
      const { texts } = await receiver(transport);
      await until(() => texts().length >= ids.length, 'all messages arrive');
      expect(texts()).toEqual(ids);
      await until(async () => (await count()) === 0, 'all messages are completed');
    });

    it('survive a restart of the hub, each once', async () => {
      await hub.addDevice('d1');
      await send('a', 'b', 'c');
      await stop();
      await start();
      await gatherFeedback();
      const { texts } = await receiver(transport);
      await toldOf('a Success', 'b Success', 'c Success');
      expect(texts()).toEqual(['a', 'b', 'c']);
    });
  });

  it.each(['HTTPS', 'AMQP'] as const)('are rejected and abandoned over %s', async (transport) => {
    await hub.addDevice('d1');
    await gatherFeedback();
    const seen: string[] = [];
    await device(transport, (message, client) => {
      const text = textOf(message);
      seen.push(text);
      return text === 'unwanted' ? client.reject(message) : client.abandon(message);
    });
    await send('unwanted', 'never');
    await toldOf('unwanted Rejected', 'never DeliveryCountExceeded');
    expect(seen.filter((text) => text === 'unwanted')).toHaveLength(1);
    expect(seen.filter((text) => text === 'never')).toHaveLength(10);
    expect(await count()).toBe(0);
  });

  it('expire at their time, whether or not anybody looks', async () => {
    await hub.addDevice('d1');
    await gatherFeedback();
    // The SDK's AMQP takes milliseconds here, and no Date.
    const expiryTimeUtc = Date.now() + 300;
    await service.send('d1', aMessage('short', { expiryTimeUtc }));
    await send('long');
    expect(await count()).toBe(2);
    await toldOf('short Expired');
    expect(Date.now()).toBeGreaterThanOrEqual(expiryTimeUtc);
    expect(await count()).toBe(1);
    const { texts } = await receiver('MQTT');
    await toldOf('long Success');
    expect(texts()).toEqual(['long']);
  });

  it('are refused when fifty wait, and for a device nobody registered', async () => {
    await hub.addDevice('d1');
    for (let n = 0; n < 50; n += 1) await send(`m${n}`);
    await expect(send('one more')).rejects.toMatchObject({ name: 'DeviceMaximumQueueDepthExceededError' });
    await expect(service.send('nobody', aMessage('m'))).rejects.toMatchObject({ name: 'DeviceNotFoundError' });
    expect(await count()).toBe(50);
  });

  it('are refused when they are too long', async () => {
    await hub.addDevice('d1');
    const tooLong = aMessage('m');
    tooLong.data = Buffer.alloc(64 * 1024 + 1);
    await expect(service.send('d1', tooLong)).rejects.toMatchObject({ name: 'MessageTooLargeError' });
    expect(await count()).toBe(0);
  });

  it('are purged, and their sender hears of it', async () => {
    await hub.addDevice('d1');
    await gatherFeedback();
    await send('a', 'b');
    const reply = await httpsCall(hub.agent, {
      method: 'DELETE',
      path: '/devices/d1/commands?api-version=2021-04-12',
      headers: { authorization: serviceToken(hub) },
    });
    expect([reply.status, JSON.parse(reply.body)]).toEqual([
      200,
      { deviceId: 'd1', moduleId: null, totalMessagesPurged: 2 },
    ]);
    await toldOf('a Purged', 'b Purged');
    expect(await count()).toBe(0);
  });

  it('are found by their number in queries', async () => {
    await hub.addDevice('d1');
    await hub.addDevice('d2');
    await send('a', 'b');
    const query = hub.registry.createQuery('SELECT deviceId FROM devices WHERE cloudToDeviceMessageCount = 2');
    expect((await query.next()).result).toEqual([{ deviceId: 'd1' }]);
  });

  it('reach a device that reconnects by itself, without a new subscription', async () => {
    await hub.addDevice('d1');
    const { client, texts } = await receiver('MQTT');
    await send('before');
    await until(() => texts().length === 1, 'the first message');
    const before = hub;
    await service.close();
    await before.emulator.close();
    await start(before.emulator.port);
    await until(() => hub.log.some(({ msg }) => msg === 'Device connected'), 'the device comes back by itself');
    await send('after');
    await until(() => texts().length === 2, 'the second message');
    expect(texts()).toEqual(['before', 'after']);
    await client.close();
    await before.close();
  });
});

import { type EventEmitter, once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { SharedAccessSignature } from 'azure-iot-common';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { generate, type Packet, parser as createParser } from 'mqtt-packet';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { storedMessages } from '../support/stored-messages.js';
import { until } from '../support/until.js';

const EVENTS = 'devices/d1/messages/events/';

/** What no SDK does: a generic MQTT client, and bare sockets, against the rules of IoT Hub's MQTT. */
describe('the MQTT protocol', () => {
  let hub: TestIotHub;
  let dataDirectory: string;
  let clients: MqttClient[] = [];

  beforeAll(async () => {
    dataDirectory = await mkdtemp(join(tmpdir(), 'iot-hub-'));
    hub = await startTestIotHub({ inMemory: false, dataDirectory });
    await hub.addDevice('d1');
    await hub.addDevice('d2');
  });
  afterEach(async () => {
    await Promise.all(clients.map((client) => client.endAsync(true)));
    clients = [];
  });
  afterAll(async () => {
    await hub.close();
    await rm(dataDirectory, { recursive: true });
  });

  const token = (deviceId: string, resource = `localhost/devices/${deviceId}`, expiresIn = 60) => {
    const key = /SharedAccessKey=(.*)$/.exec(hub.emulator.deviceConnectionString(deviceId))?.[1] ?? '';
    const expiry = Math.floor(Date.now() / 1000) + expiresIn;
    return SharedAccessSignature.create(resource, null as unknown as string, key, expiry).toString();
  };

  const options = (overrides: IClientOptions = {}): IClientOptions => ({
    host: 'localhost',
    port: hub.emulator.port,
    protocol: 'mqtts',
    ca: hub.emulator.caCertificate,
    protocolVersion: 4,
    reconnectPeriod: 0,
    clean: true,
    clientId: 'd1',
    username: 'localhost/d1/?api-version=2021-04-12',
    password: token('d1'),
    ...overrides,
  });

  function client(overrides: IClientOptions = {}): MqttClient {
    const made = mqtt.connect(options(overrides));
    clients.push(made);
    return made;
  }

  async function connected(overrides: IClientOptions = {}) {
    const made = client(overrides);
    const [connack] = (await event(made, 'connect')) as [{ sessionPresent: boolean }];
    return { client: made, sessionPresent: connack.sessionPresent };
  }

  /** The return code with which a connection is refused. */
  const refusalOf = async (overrides: IClientOptions) => {
    const [error] = (await event(client(overrides), 'error')) as [{ code: number }];
    return error.code;
  };

  /** The client's own event types are not those that `once` knows. */
  const event = (emitter: MqttClient, name: 'connect' | 'error' | 'message' | 'close'): Promise<unknown[]> =>
    once(emitter as unknown as EventEmitter, name);

  const connectPacket = (keepalive: number): Packet => ({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: true,
    clientId: 'd1',
    keepalive,
    username: 'localhost/d1',
    password: Buffer.from(token('d1')),
  });

  async function bareSocket(...packets: Packet[]): Promise<TLSSocket> {
    const socket = connectTls({ host: 'localhost', port: hub.emulator.port, ca: hub.emulator.caCertificate });
    await once(socket, 'secureConnect');
    for (const packet of packets) socket.write(generate(packet));
    return socket;
  }

  const ended = async (socket: TLSSocket) => {
    socket.resume();
    await once(socket, 'close');
  };

  const messages = () => storedMessages(dataDirectory, 'd1');

  it.each<[name: string, code: number, overrides: () => IClientOptions]>([
    ['a wrong protocol version', 1, () => ({ protocolVersion: 3, protocolId: 'MQIsdp' })],
    ['no password', 5, () => ({ password: undefined as never })],
    ["another device's token", 5, () => ({ password: token('d2') })],
    ['a client id that is not the user name', 5, () => ({ clientId: 'd2' })],
    ['a user name of another hub', 5, () => ({ username: 'other.azure-devices.net/d1' })],
    ['a token over the hub alone', 5, () => ({ password: token('d1', 'localhost') })],
    ['an expired token', 5, () => ({ password: token('d1', 'localhost/devices/d1', -1) })],
    ['a Will that is not telemetry', 5, () => ({ will: { topic: 'x', payload: Buffer.from('x') } })],
  ])('refuses %s with CONNACK %d', async (_name, code, overrides) => {
    expect(await refusalOf(overrides())).toBe(code);
  });

  it('lets a gateway name the hub by the names it has', async () => {
    await connected({
      username: 'localhub.azure-devices.net/d1/?api-version=2021-04-12',
      password: token('d1', 'localhub.azure-devices.net/devices/d1'),
    });
  });

  it('keeps the subscriptions of a session that is not clean, and says so', async () => {
    const first = await connected({ clean: false });
    expect(first.sessionPresent).toBe(false);
    await first.client.subscribeAsync('$iothub/methods/POST/#');
    await first.client.endAsync();

    const second = await connected({ clean: false });
    expect(second.sessionPresent).toBe(true);
    const call = hub.service.invokeDeviceMethod('d1', { methodName: 'hello', payload: 'x' });
    const [topic] = (await event(second.client, 'message')) as [string];
    await second.client.publishAsync(topic.replace('POST/hello', 'res/200'), '"hi"');
    expect((await call).result).toEqual({ status: 200, payload: 'hi' });
    await second.client.endAsync();

    const third = await connected({ clean: true });
    expect(third.sessionPresent).toBe(false);
    await third.client.endAsync();
    expect((await connected({ clean: false })).sessionPresent).toBe(false);
  });

  it('grants QoS 1 at most', async () => {
    const { client: device } = await connected();
    expect(await device.subscribeAsync('$iothub/twin/res/#', { qos: 2 })).toMatchObject([{ qos: 1 }]);
  });

  it.each([
    '#',
    '$iothub/#',
    'devices/#',
    'devices/d2/messages/devicebound/#',
    'devices/d1/messages/events/#',
    '$iothub/methods/POST/+/x',
  ])('refuses the subscription %s', async (filter) => {
    const { client: device } = await connected();
    const refused = await device.subscribeAsync(filter).then(
      (granted) => granted[0]?.qos as number | undefined,
      (error: unknown) => (/128|Unspecified error/.test(String(error)) ? 0x80 : undefined),
    );
    expect(refused).toBe(0x80);
    expect(device.connected).toBe(true);
  });

  it.each<[name: string, topic: string, qos: 0 | 1 | 2]>([
    ['with QoS 2', EVENTS, 2],
    ["to another device's topic", 'devices/d2/messages/events/', 1],
    ['to an unknown topic', 'some/topic', 0],
    ['to a topic of the hub', '$iothub/methods/POST/x/?$rid=1', 1],
  ])('closes on a PUBLISH %s', async (_name, topic, qos) => {
    const { client: device } = await connected();
    const before = storedMessages(dataDirectory, 'd2').length + messages().length;
    device.publish(topic, 'x', { qos }, () => undefined);
    await event(device, 'close');
    expect(storedMessages(dataDirectory, 'd2').length + messages().length).toBe(before);
  });

  it('closes on a message of more than 256 KiB', async () => {
    const { client: device } = await connected();
    device.publish(EVENTS, Buffer.alloc(256 * 1024 + 1), { qos: 1 }, () => undefined);
    await event(device, 'close');
  });

  it('closes on an oversized packet without waiting for all of it', async () => {
    const socket = await bareSocket(connectPacket(60));
    await once(socket, 'data');
    socket.write(Buffer.from([0x32, 0xff, 0xff, 0xff, 0x7f]));
    await ended(socket);
  });

  it('keeps retained messages as messages only, and says that they were', async () => {
    const { client: device } = await connected();
    await device.publishAsync(EVENTS, 'kept?', { qos: 1, retain: true });
    expect(messages().at(-1)).toMatchObject({ body: 'kept?', properties: { 'mqtt-retain': 'true' } });
  });

  it('closes a client that is silent for one and a half times its keep-alive', async () => {
    const socket = await bareSocket(connectPacket(1));
    const sinceMs = Date.now();
    await ended(socket);
    expect(Date.now() - sinceMs).toBeGreaterThan(1_300);
    expect(Date.now() - sinceMs).toBeLessThan(5_000);
  });

  it('keeps a client that pings', async () => {
    const socket = await bareSocket(connectPacket(1));
    const answers: string[] = [];
    const parser = createParser({ protocolVersion: 4 });
    parser.on('packet', (packet) => {
      answers.push(packet.cmd);
    });
    socket.on('data', (chunk: Buffer) => parser.parse(chunk));
    const pinging = setInterval(() => socket.write(generate({ cmd: 'pingreq' })), 400);
    await until(() => answers.filter((cmd) => cmd === 'pingresp').length >= 5, 'two seconds of pings');
    clearInterval(pinging);
    expect(socket.closed).toBe(false);
    socket.destroy();
  });

  it('sends the Will as telemetry when a device goes without a word, and not when it says goodbye', async () => {
    const will = { topic: `${EVENTS}cause=lost`, payload: Buffer.from('gone'), qos: 1 as const };
    const polite = await connected({ will });
    await polite.client.endAsync();
    const rude = await connected({ will });
    const before = messages().length;
    rude.client.stream.destroy();
    await until(() => messages().length > before, 'the Will is stored');
    expect(messages().slice(before)).toEqual([
      { body: 'gone', systemProperties: {}, properties: { cause: 'lost', 'iothub-MessageType': 'Will' } },
    ]);
  });

  it('is spoken over WebSocket too', async () => {
    const { client: device } = await connected({
      protocol: 'wss',
      path: '/$iothub/websocket',
      wsOptions: { ca: hub.emulator.caCertificate },
    });
    await device.publishAsync(EVENTS, 'web', { qos: 1 });
    expect(messages().at(-1)?.body).toBe('web');
  });
});

import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { connect } from 'node:tls';
import { generate, type IConnectPacket, type Packet, parser as createParser } from 'mqtt-packet';
import { manualClock } from '../../test-support/manual-clock.js';
import { aToken } from '../../test-support/test-hub.js';
import { type IotHubEmulator, startIotHubEmulator } from '../index.js';
import { type Flush, LogFlusher } from '../storage/log-flusher.js';

const START_MS = Date.UTC(2030, 0, 1);
const HOUR_MS = 3_600_000;
const STORAGE =
  'DefaultEndpointsProtocol=https;AccountName=devstoreaccount1;AccountKey=a2V5;BlobEndpoint=https://127.0.0.1:10000/devstoreaccount1;';

/** The parts of a flusher that it keeps to itself. */
interface FlusherInside {
  start: Flush;
  readonly flush: (...args: unknown[]) => void;
}
const prototype = LogFlusher.prototype as unknown as FlusherInside;
const { flush } = prototype;

/** Keeps flushes back from here on. `wanted` resolves when one is due; `release` lets it and all later ones happen. */
function holdFlushes() {
  let start: (() => void) | undefined;
  let spy: jest.SpyInstance | undefined;
  const wanted = new Promise<void>((resolve) => {
    spy = jest.spyOn(prototype, 'flush').mockImplementation(function (this: FlusherInside, ...args) {
      const { start: begin } = this;
      this.start = (descriptor, done) => {
        start = () => {
          begin(descriptor, done);
        };
      };
      flush.apply(this, args);
      this.start = begin;
      resolve();
    });
  });
  const release = (): void => {
    spy?.mockRestore();
    start?.();
    start = undefined;
  };
  return { wanted, release };
}

describe('an answer waits until what it acknowledges is on disk', () => {
  let directory: string;
  let emulator: IotHubEmulator;
  let agent: Agent;
  let device: RawDevice;

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'durable-answers-'));
    emulator = await startIotHubEmulator({
      port: 0,
      dataDirectory: directory,
      seed: { devices: [{ deviceId: 'd1' }, { deviceId: 'd2' }, { deviceId: 'd3' }] },
      storage: { connectionString: STORAGE, containerName: 'dev' },
      // It stands still, so that nothing but the calls below wants a flush.
      clock: manualClock(START_MS),
    });
    agent = new Agent({ host: 'localhost', port: emulator.port, ca: emulator.caCertificate, keepAlive: true });
    device = new RawDevice(emulator, 'd1');
    expect(await device.ask(connectPacket('d1'))).toMatchObject({ cmd: 'connack', returnCode: 0 });
    expect(await device.ask(subscribe('$iothub/twin/res/#'))).toMatchObject({ cmd: 'suback' });
  });
  afterAll(async () => {
    device.close();
    agent.destroy();
    await emulator.close();
    await rm(directory, { recursive: true, force: true });
  });

  const keyOf = (connectionString: string) => connectionString.slice(connectionString.indexOf('SharedAccessKey=') + 16);
  const serviceToken = () =>
    aToken('localhost', keyOf(emulator.serviceConnectionString), START_MS + HOUR_MS, 'iothubowner');
  const deviceToken = (deviceId: string) =>
    aToken(`localhost%2Fdevices%2F${deviceId}`, keyOf(emulator.deviceConnectionString(deviceId)), START_MS + HOUR_MS);
  const connectPacket = (deviceId: string): IConnectPacket => ({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: false,
    keepalive: 60,
    clientId: deviceId,
    username: `localhost/${deviceId}/?api-version=2021-04-12`,
    password: Buffer.from(deviceToken(deviceId)),
  });
  const subscribe = (topic: string): Packet => ({ cmd: 'subscribe', messageId: 7, subscriptions: [{ topic, qos: 0 }] });
  const publish = (topic: string, payload: string, qos: 0 | 1): Packet => ({
    cmd: 'publish',
    topic,
    payload,
    qos,
    messageId: 8,
    dup: false,
    retain: false,
  });

  async function call(
    method: string,
    target: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; body: string }> {
    const token = target.startsWith('/devices/d1/') ? deviceToken('d1') : serviceToken();
    const bytes = body === undefined ? undefined : JSON.stringify(body);
    const sent = request({ agent, method, path: target, headers: { authorization: token, ...headers } });
    sent.end(bytes);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return { status: response.statusCode ?? 0, body: await text(response) };
  }

  async function openUpload(): Promise<string> {
    const { body } = await call('POST', '/devices/d1/files', { blobName: 'open.txt' });
    return (JSON.parse(body) as { correlationId: string }).correlationId;
  }

  const BATCH = { 'content-type': 'application/vnd.microsoft.iothub.json' };
  const expectAnswer = async (act: () => Promise<unknown>, answer: object): Promise<void> => {
    const { wanted, release } = holdFlushes();
    let answered = false;
    try {
      const answering = act().finally(() => {
        answered = true;
      });
      await wanted;
      // Whatever was sent before these two answers has arrived with them.
      expect(await call('GET', '/health')).toMatchObject({ status: 200 });
      await device.ping();
      expect(answered).toBe(false);
      release();
      expect(await answering).toMatchObject(answer);
    } finally {
      release();
    }
  };

  it.each<[name: string, status: number, act: () => ReturnType<typeof call>]>([
    ['creating a device', 200, () => call('PUT', '/devices/new', { deviceId: 'new' })],
    ['updating a device', 200, () => call('PUT', '/devices/d2', { deviceId: 'd2' }, { 'if-match': '*' })],
    ['removing a device', 204, () => call('DELETE', '/devices/d2')],
    ['a bulk of devices', 200, () => call('POST', '/devices', [{ id: 'b1' }, { id: 'b2' }])],
    ['patching a twin', 200, () => call('PATCH', '/twins/d1', { tags: { site: 'north' } })],
    ['replacing a twin', 200, () => call('PUT', '/twins/d1', { properties: { desired: { a: 1 } } })],
    ['a message over HTTPS', 204, () => call('POST', '/devices/d1/messages/events', 'x')],
    ['a batch of messages', 204, () => call('POST', '/devices/d1/messages/events', [{ body: 'eA==' }], BATCH)],
    ['opening an upload', 200, () => call('POST', '/devices/d1/files', { blobName: 'a.txt' })],
  ])('%s', async (_name, status, act) => {
    await expectAnswer(act, { status });
  });

  it('the notification of an upload', async () => {
    const correlationId = await openUpload();
    await expectAnswer(
      () => call('POST', '/devices/d1/files/notifications', { correlationId, isSuccess: true, statusCode: 200 }),
      { status: 204 },
    );
  });

  it.each<[name: string, packet: () => Packet, answer: object]>([
    ['telemetry', () => publish('devices/d1/messages/events/', 'x', 1), { cmd: 'puback', messageId: 8 }],
    [
      'reported properties',
      () => publish('$iothub/twin/PATCH/properties/reported/?$rid=5', '{"a":1}', 0),
      { cmd: 'publish', topic: expect.stringMatching(/^\$iothub\/twin\/res\/204\/\?\$rid=5&\$version=\d+$/) },
    ],
    ['SUBSCRIBE', () => subscribe('$iothub/methods/POST/#'), { cmd: 'suback', granted: [0] }],
    [
      'UNSUBSCRIBE',
      () => ({ cmd: 'unsubscribe', messageId: 9, unsubscriptions: ['$iothub/methods/POST/#'] }),
      { cmd: 'unsuback', messageId: 9 },
    ],
  ])('%s', async (_name, packet, answer) => {
    await expectAnswer(() => device.ask(packet()), answer);
  });

  it('a CONNECT that ends the session kept so far', async () => {
    const before = new RawDevice(emulator, 'd3');
    await before.ask(connectPacket('d3'));
    await before.ask(subscribe('$iothub/twin/res/#'));
    const after = new RawDevice(emulator, 'd3');
    await expectAnswer(() => after.ask({ ...connectPacket('d3'), clean: true }), {
      cmd: 'connack',
      returnCode: 0,
      sessionPresent: false,
    });
    before.close();
    after.close();
  });
});

/** Raw MQTT packets over TLS, no SDK. */
class RawDevice {
  private readonly socket;
  private readonly waiting: ((packet: Packet) => void)[] = [];
  private readonly pings: (() => void)[] = [];

  constructor(
    { port, caCertificate }: IotHubEmulator,
    readonly deviceId: string,
  ) {
    this.socket = connect({ host: 'localhost', port, ca: caCertificate });
    const parser = createParser({ protocolVersion: 4 });
    parser.on('packet', (packet) => {
      if (packet.cmd === 'pingresp') this.pings.shift()?.();
      else this.waiting.shift()?.({ ...packet });
    });
    this.socket.on('data', (chunk: Buffer) => parser.parse(chunk));
    this.socket.on('error', () => undefined);
  }

  /** Sends a packet and waits for what comes back. */
  ask(packet: Packet): Promise<Packet> {
    this.socket.write(generate(packet));
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  ping(): Promise<void> {
    this.socket.write(generate({ cmd: 'pingreq' }));
    return new Promise((resolve) => this.pings.push(resolve));
  }

  close(): void {
    this.socket.destroy();
  }
}

import { createHmac, randomBytes } from 'node:crypto';
import { duplexPair } from 'node:stream';
import type { IConnectPacket, IPublishPacket, Packet } from 'mqtt-packet';
import { pino } from 'pino';
import { Store } from '../../storage/store.js';
import type { CloseReason } from '../../hub/connections/device-connection.js';
import { LiveConnections } from '../../hub/connections/live-connections.js';
import { BuiltInEndpoint } from '../../hub/events/built-in-endpoint.js';
import { ConsumerGroups } from '../../hub/events/consumer-groups.js';
import type { Hub } from '../../hub/hub.js';
import { invokeMethod } from '../../hub/methods/invoke-method.js';
import { JobChanges } from '../../hub/jobs/job-changes.js';
import { PendingMethods } from '../../hub/methods/pending-methods.js';
import { HubMetrics } from '../../hub/metrics/hub-metrics.js';
import { MessageLog } from '../../hub/messages/message-log.js';
import { readLog } from '../../hub/messages/read-log.js';
import { MessageRouting } from '../../hub/routing/message-routing.js';
import { MessageQueues } from '../../hub/queues/message-queues.js';
import { ActivityLog } from '../../hub/registry/activity-log.js';
import { createIdentity, updateIdentity } from '../../hub/registry/identities.js';
import { manualClock, type ManualClock } from '../../../test-support/manual-clock.js';
import { RawClient } from '../../../test-support/raw-mqtt-client.js';
import { createMqttEndpoint } from './mqtt-endpoint.js';

const KEY = Buffer.alloc(32, 7).toString('base64');
const POLICY_KEY = Buffer.alloc(32, 8).toString('base64');
const START_MS = Date.UTC(2030, 0, 1);
const EVENTS = 'devices/d1/messages/events/';
const METHODS = '$iothub/methods/POST/#';
const TWIN_REPLIES = '$iothub/twin/res/#';

describe(createMqttEndpoint.name, () => {
  let hub: Hub;
  let clock: ManualClock;
  let log: { msg: string; reason?: string }[];
  let clients: RawClient[];

  beforeEach(async () => {
    clock = manualClock(START_MS);
    log = [];
    clients = [];
    const logger = pino({ level: 'debug' }, { write: (line) => void log.push(JSON.parse(line) as { msg: string }) });
    const store = new Store(':memory:');
    const messages = new MessageLog(store, 4);
    hub = {
      name: 'hub',
      store,
      clock,
      logger,
      log: messages,
      routing: new MessageRouting({ store, log: messages, clock, logger }),
      events: new BuiltInEndpoint({
        store,
        log: messages,
        consumerGroups: new ConsumerGroups(),
        createdMs: START_MS,
      }),
      connections: new LiveConnections(logger, () => undefined),
      activity: new ActivityLog(store),
      pendingMethods: new PendingMethods(),
      queues: new MessageQueues(clock),
      jobs: new JobChanges(),
      metrics: new HubMetrics(),
      policies: [
        { name: 'device', primaryKey: POLICY_KEY, secondaryKey: POLICY_KEY, rights: ['DeviceConnect'] },
        { name: 'service', primaryKey: POLICY_KEY, secondaryKey: POLICY_KEY, rights: ['ServiceConnect'] },
      ],
      hostNames: new Set(['localhost']),
    };
    for (const deviceId of ['d1', 'd2']) await register(deviceId);
    await register('off', { status: 'disabled' });
  });
  afterEach(() => {
    hub.connections.closeAll('shutdown');
    for (const { stream } of clients) stream.destroy();
    hub.store.close();
  });

  const register = (deviceId: string, more: object = {}) =>
    createIdentity(hub, {
      deviceId,
      authentication: { type: 'sas', symmetricKey: { primaryKey: KEY, secondaryKey: KEY } },
      ...more,
    });

  function token(resource: string, options: { key?: string; expiresMs?: number; policy?: string } = {}): string {
    const sr = encodeURIComponent(resource);
    const se = String(Math.floor((options.expiresMs ?? START_MS + 3_600_000) / 1000));
    const sig = createHmac('sha256', Buffer.from(options.key ?? KEY, 'base64'))
      .update(`${sr}\n${se}`)
      .digest('base64');
    const skn = options.policy === undefined ? '' : `&skn=${options.policy}`;
    return `SharedAccessSignature sr=${sr}&sig=${encodeURIComponent(sig)}&se=${se}${skn}`;
  }

  function open(): RawClient {
    const [mine, theirs] = duplexPair();
    // As a socket does.
    mine.once('close', () => theirs.destroy());
    const client = new RawClient(mine);
    clients.push(client);
    createMqttEndpoint(hub).accept(theirs, 'peer');
    return client;
  }

  const connectPacket = (options: Partial<IConnectPacket> = {}): IConnectPacket => {
    const { clientId = 'd1' } = options;
    return {
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: true,
      keepalive: 60,
      clientId,
      username: `localhost:8443/${clientId}/?api-version=2021-04-12&DeviceClientType=test`,
      password: Buffer.from(token(`localhost:8443/devices/${clientId}`)),
      ...options,
    };
  };

  async function connected(options: Partial<IConnectPacket> = {}): Promise<RawClient> {
    const client = open().send(connectPacket(options));
    expect(await client.next()).toMatchObject({ cmd: 'connack', returnCode: 0 });
    return client;
  }

  const stored = () => readLog(hub.store, { bit: 1, after: 0, limit: 1000 });

  const reasons = () => log.map(({ reason }) => reason).filter(Boolean);

  describe('CONNECT', () => {
    it.each<[name: string, options: Partial<IConnectPacket>]>([
      ['without parameters', { username: 'localhost/d1' }],
      ['with a slash only', { username: 'localhost/d1/' }],
      ['without the question mark, as of old', { username: 'localhost/d1/api-version=2016-11-14' }],
      ['without the slash before the parameters', { username: 'LOCALHOST/d1?api-version=2020-09-30' }],
    ])('takes a user name %s', async (_name, options) => {
      await connected(options);
      expect(hub.connections.get({ deviceId: 'd1' })).toBeDefined();
    });

    it('lets no device in that is disabled while its old session is being ended', async () => {
      const before = await connected({ clean: false });
      await before.subscribe(METHODS).next();
      before.send({ cmd: 'disconnect' });
      expect(await before.next()).toBe('closed');
      const write = hub.store.write.bind(hub.store);
      jest.spyOn(hub.store, 'write').mockImplementationOnce(async (work) => {
        const result = await write(work);
        await updateIdentity(hub, { deviceId: 'd1', status: 'disabled' });
        return result;
      });
      expect(await open().send(connectPacket()).next()).toMatchObject({ cmd: 'connack', returnCode: 5 });
      expect(hub.connections.get({ deviceId: 'd1' })).toBeUndefined();
    });

    it('takes a token of a policy that may connect devices', async () => {
      await connected({ password: Buffer.from(token('localhost', { key: POLICY_KEY, policy: 'device' })) });
    });

    it.each<[name: string, returnCode: number, options: () => Partial<IConnectPacket>]>([
      ['MQTT 3.1', 1, () => ({ protocolId: 'MQIsdp', protocolVersion: 3 })],
      ['MQTT 5', 1, () => ({ protocolVersion: 5 })],
      ['an empty client id', 2, () => ({ clientId: '' })],
      ['no user name', 5, () => ({ username: undefined as never, password: undefined as never })],
      ['no password', 5, () => ({ password: undefined as never })],
      ['a password that is no token', 5, () => ({ password: Buffer.from('secret') })],
      ['another hub', 5, () => ({ username: 'example.com/d1/?api-version=2021-04-12' })],
      ['a client id other than the user name', 5, () => ({ username: 'localhost/d2/?api-version=2021-04-12' })],
      ['a device id that only begins alike', 5, () => ({ username: 'localhost/d11/?api-version=2021-04-12' })],
      ['a module', 5, () => ({ clientId: 'd1/m1', password: Buffer.from(token('localhost/devices/d1/modules/m1')) })],
      ['an unknown device', 5, () => ({ clientId: 'nobody' })],
      ['a disabled device', 5, () => ({ clientId: 'off' })],
      ["another device's token", 5, () => ({ password: Buffer.from(token('localhost/devices/d2')) })],
      ['a device token for the whole hub', 5, () => ({ password: Buffer.from(token('localhost')) })],
      [
        'an expired token',
        5,
        () => ({ password: Buffer.from(token('localhost/devices/d1', { expiresMs: START_MS })) }),
      ],
      [
        'a forged token',
        5,
        () => ({ password: Buffer.from(token('localhost/devices/d1', { key: randomBytes(32).toString('base64') })) }),
      ],
      [
        'a policy without DeviceConnect',
        5,
        () => ({ password: Buffer.from(token('localhost', { key: POLICY_KEY, policy: 'service' })) }),
      ],
      ['a Will to another topic', 5, () => ({ will: { topic: 'devices/d2/messages/events/', payload: 'x', qos: 1 } })],
      ['a Will with QoS 2', 5, () => ({ will: { topic: EVENTS, payload: 'x', qos: 2 } })],
    ])('refuses %s with return code %d and closes', async (_name, returnCode, options) => {
      const client = open().send(connectPacket(options()));
      expect(await client.next()).toMatchObject({ cmd: 'connack', returnCode, sessionPresent: false });
      expect(await client.next()).toBe('closed');
      expect(hub.connections.size).toBe(0);
      expect(log.at(-1)).toMatchObject({ msg: 'CONNECT refused', reason: expect.any(String) });
      expect(JSON.stringify(log)).not.toContain('SharedAccessSignature');
    });

    it('closes on any other first packet', async () => {
      expect(await open().send({ cmd: 'pingreq' }).next()).toBe('closed');
      expect(reasons()).toEqual(['the first packet is not a CONNECT']);
    });

    it('closes on a second CONNECT', async () => {
      const client = await connected();
      expect(await client.send(connectPacket()).next()).toBe('closed');
    });

    it('closes when no CONNECT comes in time', async () => {
      const client = open();
      client.stream.write(Buffer.from([0x10]));
      clock.advance(10_000);
      expect(await client.next()).toBe('closed');
      expect(reasons()).toEqual(['no CONNECT in time']);
    });

    it('closes on a CONNECT too large, from its header on', async () => {
      const client = open();
      client.stream.write(Buffer.from([0x10, 0xff, 0xff, 0x7f]));
      expect(await client.next()).toBe('closed');
    });

    it('answers what was sent without waiting for the CONNACK', async () => {
      const client = open().send(connectPacket()).publish(EVENTS, 'early').send({ cmd: 'pingreq' });
      expect(await client.next()).toMatchObject({ cmd: 'connack', returnCode: 0 });
      const answers = [await client.next(), await client.next()].map((packet) => packet !== 'closed' && packet.cmd);
      expect(answers.sort()).toEqual(['pingresp', 'puback']);
    });
  });

  describe('telemetry', () => {
    it('is acknowledged once it is stored, with its properties', async () => {
      const client = await connected();
      client.publish(`${EVENTS}%24.mid=m1&%24.ct=application%2Fjson&temperature=high&empty`, '{"t":1}');
      expect(await client.next()).toMatchObject({ cmd: 'puback', messageId: 1 });
      expect(stored()).toMatchObject([
        {
          deviceId: 'd1',
          systemProperties: { messageId: 'm1', contentType: 'application/json' },
          properties: { temperature: 'high', empty: '' },
          body: new Uint8Array(Buffer.from('{"t":1}')),
        },
      ]);
    });

    it('is acknowledged in order', async () => {
      const client = await connected();
      for (let messageId = 1; messageId <= 300; messageId += 1)
        client.publish(EVENTS, String(messageId), { messageId });
      for (let messageId = 1; messageId <= 300; messageId += 1) {
        expect(await client.next()).toMatchObject({ cmd: 'puback', messageId });
      }
      expect(stored().map(({ body }) => Buffer.from(body).toString())).toEqual(
        Array.from({ length: 300 }, (_, i) => String(i + 1)),
      );
    });

    it('is not acknowledged when it cannot be stored', async () => {
      const client = await connected();
      const failing = jest.spyOn(hub.store, 'writeOne').mockRejectedValue(new Error('disk full'));
      expect(await client.publish(EVENTS, 'x').next()).toBe('closed');
      expect(reasons()).toContain('disk full');
      failing.mockRestore();
    });

    it('is taken with QoS 0 too, without an answer', async () => {
      const client = await connected();
      client.publish(EVENTS, 'zero', { qos: 0 }).send({ cmd: 'pingreq' });
      expect(await client.next()).toMatchObject({ cmd: 'pingresp' });
      await new Promise((resolve) => setImmediate(resolve));
      expect(stored()).toHaveLength(1);
    });

    it('says that it was published with RETAIN', async () => {
      const client = await connected();
      await client.publish(EVENTS, 'x', { retain: true }).next();
      expect(stored()[0]?.properties).toEqual({ 'mqtt-retain': 'true' });
    });

    it('has the properties of its own topic, also after others with the same one', async () => {
      const client = await connected();
      await client.publish(`${EVENTS}level=1`, 'a').next();
      await client.publish(`${EVENTS}level=1`, 'b').next();
      await client.publish(`${EVENTS}level=1`, 'c', { retain: true }).next();
      await client.publish(`${EVENTS}level=1`, 'd').next();
      await client.publish(`${EVENTS}level=2`, 'e').next();
      expect(stored().map(({ properties, body }) => [properties, Buffer.from(body).toString()])).toEqual([
        [{ level: '1' }, 'a'],
        [{ level: '1' }, 'b'],
        [{ level: '1', 'mqtt-retain': 'true' }, 'c'],
        [{ level: '1' }, 'd'],
        [{ level: '2' }, 'e'],
      ]);
    });

    it('of 256 KiB is taken; larger closes the connection', async () => {
      const client = await connected();
      expect(await client.publish(EVENTS, Buffer.alloc(256 * 1024)).next()).toMatchObject({ cmd: 'puback' });
      expect(await client.publish(EVENTS, Buffer.alloc(256 * 1024 + 1)).next()).toBe('closed');
      expect(stored()).toHaveLength(1);
    });

    it('beyond any packet size is refused from the header alone', async () => {
      const client = await connected();
      client.stream.write(Buffer.from([0x32, 0xff, 0xff, 0xff, 0x7f]));
      expect(await client.next()).toBe('closed');
    });

    it('stops being read while too much of it waits for the disk', async () => {
      const client = await connected();
      const waiting: (() => void)[] = [];
      const slow = jest
        .spyOn(hub.store, 'writeOne')
        .mockImplementation(() => new Promise((resolve) => waiting.push(resolve)));
      const payload = Buffer.alloc(200 * 1024);
      const sent = 60;
      for (let i = 0; i < sent; i += 1) client.publish(EVENTS, payload, { messageId: i + 1 });
      await settled(() => waiting.length);
      expect(waiting.length).toBeGreaterThanOrEqual(20);
      expect(waiting.length).toBeLessThan(30);

      let answered = 0;
      while (answered < sent) {
        waiting.shift()?.();
        expect(await client.next()).toMatchObject({ cmd: 'puback', messageId: answered + 1 });
        answered += 1;
      }
      slow.mockRestore();
    });
  });

  describe('refusals', () => {
    it.each<[name: string, topic: string, options: Partial<IPublishPacket>]>([
      ['QoS 2', EVENTS, { qos: 2 }],
      ["another device's topic", 'devices/d2/messages/events/', {}],
      ['an unknown topic', 'x/y', {}],
      ['packet identifier 0', EVENTS, { messageId: 0 }],
      ['a twin request without id', '$iothub/twin/GET/', {}],
    ])('of a PUBLISH with %s close the connection', async (_name, topic, options) => {
      const client = await connected();
      expect(await client.publish(topic, 'x', options).next()).toBe('closed');
      expect(stored()).toEqual([]);
      expect(log.some(({ msg, reason }) => msg === 'Connection closed by the hub' && reason)).toBe(true);
    });

    it.each([
      ['garbage', 'ffffffff'],
      ['wrong reserved flags', '8000'],
      ['a packet only servers send', '20020000'],
      ['PUBREL', '62020001'],
      ['a SUBSCRIBE cut short', '82030001ff'],
      ['a SUBSCRIBE of nothing', '82020001'],
      ['a SUBSCRIBE with QoS 3', '820600010001 6103'.replace(' ', '')],
      ['a PUBLISH whose topic is longer than itself', '3003ffff41'],
      ['MQTT 5 AUTH', 'f000'],
    ])('close on %s', async (_name, hex) => {
      const client = await connected();
      client.stream.write(Buffer.from(hex, 'hex'));
      expect(await client.next()).toBe('closed');
    });

    it('survive any bytes', async () => {
      for (let round = 0; round < 200; round += 1) {
        const client = round % 2 === 0 ? open() : await connected();
        client.stream.write(
          Buffer.concat([randomBytes(1 + (round % 64)), Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff])]),
        );
        client.stream.end();
        while ((await client.next()) !== 'closed');
      }
    });
  });

  describe('subscriptions', () => {
    it('get QoS 1 at most', async () => {
      const client = await connected();
      expect(await client.subscribe(METHODS, 2).next()).toMatchObject({ cmd: 'suback', messageId: 9, granted: [1] });
      expect(await client.subscribe(METHODS, 0).next()).toMatchObject({ cmd: 'suback', granted: [0] });
    });

    it('to anything undocumented are refused one by one', async () => {
      const client = await connected();
      client.send({
        cmd: 'subscribe',
        messageId: 3,
        subscriptions: ['#', METHODS, 'devices/d2/messages/devicebound/#'].map((topic) => ({ topic, qos: 1 })),
      });
      expect(await client.next()).toMatchObject({ cmd: 'suback', messageId: 3, granted: [0x80, 1, 0x80] });
    });

    it('are logged when refused, by the topic without its properties', async () => {
      const client = await connected();
      await client.subscribe('devices/d2/messages/devicebound/#').next();
      expect(log.at(-1)?.reason).toContain('devices/d2/messages/devicebound/#');
      expect(await client.publish('devices/d2/messages/events/password=secret').next()).toBe('closed');
      expect(JSON.stringify(log)).toContain('devices/d2/messages/events/password');
      expect(JSON.stringify(log)).not.toContain('secret');
    });

    it('of more than five topics at once close the connection', async () => {
      const client = await connected();
      client.send({
        cmd: 'subscribe',
        messageId: 3,
        subscriptions: Array.from({ length: 6 }, () => ({ topic: METHODS, qos: 0 as const })),
      });
      expect(await client.next()).toBe('closed');
    });

    it('are kept for sessions that are not clean, and only for those', async () => {
      const first = await connected({ clean: false });
      await first.subscribe(METHODS).next();
      first.send({ cmd: 'disconnect' });
      expect(await first.next()).toBe('closed');

      const second = open().send(connectPacket({ clean: false }));
      expect(await second.next()).toMatchObject({ cmd: 'connack', returnCode: 0, sessionPresent: true });
      expect(hub.connections.listening({ deviceId: 'd1' }, 'methods')).toBeDefined();

      const third = open().send(connectPacket({ clean: true }));
      expect(await third.next()).toMatchObject({ cmd: 'connack', returnCode: 0, sessionPresent: false });
      await third.subscribe(METHODS).next();

      const fourth = open().send(connectPacket({ clean: false }));
      expect(await fourth.next()).toMatchObject({ cmd: 'connack', returnCode: 0, sessionPresent: false });
      expect(hub.connections.listening({ deviceId: 'd1' }, 'methods')).toBeUndefined();
    });

    it('end with UNSUBSCRIBE', async () => {
      const client = await connected({ clean: false });
      await client.subscribe(METHODS).next();
      client.send({ cmd: 'unsubscribe', messageId: 4, unsubscriptions: [METHODS, 'never/subscribed'] });
      expect(await client.next()).toMatchObject({ cmd: 'unsuback', messageId: 4 });
      expect(hub.connections.listening({ deviceId: 'd1' }, 'methods')).toBeUndefined();
      const next = open().send(connectPacket({ clean: false }));
      expect(await next.next()).toMatchObject({ sessionPresent: false });
    });
  });

  describe('twin', () => {
    it('is answered with the request id as it came, and acknowledged with QoS 1', async () => {
      const client = await connected();
      await client.subscribe(TWIN_REPLIES, 1).next();
      client.publish('$iothub/twin/PATCH/properties/reported/?$rid=%20a', '{"a":1,"b":null}', { messageId: 7 });
      const answers = [await client.next(), await client.next()] as Packet[];
      expect(answers.find(({ cmd }) => cmd === 'puback')).toMatchObject({ messageId: 7 });
      expect(answers.find(({ cmd }) => cmd === 'publish')).toMatchObject({
        topic: '$iothub/twin/res/204/?$rid=%20a&$version=2',
        qos: 0,
      });
      client.publish('$iothub/twin/GET/?$rid=b', ' ', { qos: 0 });
      const twin = (await client.next()) as IPublishPacket;
      expect(twin.topic).toBe('$iothub/twin/res/200/?$rid=b');
      expect(JSON.parse(twin.payload.toString())).toEqual({
        desired: { $version: 1 },
        reported: { a: 1, $version: 2 },
      });
    });

    it.each([
      ['no JSON', '{', 400006],
      ['no object', '[]', 400004],
      ['a forbidden name', '{"$a":1}', 400004],
    ])('says no to %s, in status and body', async (_name, body, errorCode) => {
      const client = await connected();
      await client.subscribe(TWIN_REPLIES).next();
      client.publish('$iothub/twin/PATCH/properties/reported/?$rid=1', body, { qos: 0 });
      const reply = (await client.next()) as IPublishPacket;
      expect(reply.topic).toBe('$iothub/twin/res/400/?$rid=1');
      expect(JSON.parse(reply.payload.toString())).toMatchObject({ errorCode, message: expect.any(String) });
    });

    it('is not answered without a subscription, and the log says so', async () => {
      const client = await connected();
      client.publish('$iothub/twin/GET/?$rid=1', '', { messageId: 5 });
      expect(await client.next()).toMatchObject({ cmd: 'puback', messageId: 5 });
      expect(log.at(-1)?.msg).toContain('$iothub/twin/res/#');
    });
  });

  describe('methods', () => {
    it('go to the device and their answers back, to the caller alone', async () => {
      const client = await connected();
      await client.subscribe(METHODS).next();
      const other = await connected({ clientId: 'd2' });
      const result = invokeMethod(hub, { deviceId: 'd1' }, { methodName: 'reboot', payload: { in: 5 } });
      const call = (await client.next()) as IPublishPacket;
      const requestId = /^\$iothub\/methods\/POST\/reboot\/\?\$rid=([0-9a-f]+)$/.exec(call.topic)?.[1] ?? '';
      expect(call.qos).toBe(0);
      expect(call.payload.toString()).toBe('{"in":5}');

      other.publish(`$iothub/methods/res/500/?$rid=${requestId}`, '"forged"');
      expect(await other.next()).toMatchObject({ cmd: 'puback' });
      client.publish(`$iothub/methods/res/200/?$rid=${requestId}`, '{"ok":true}');
      expect(await client.next()).toMatchObject({ cmd: 'puback' });
      expect(await result).toEqual({ status: 200, payload: { ok: true } });
    });

    it('wait for the device to subscribe', async () => {
      const result = invokeMethod(hub, { deviceId: 'd1' }, { methodName: 'm', connectTimeoutInSeconds: 10 });
      const client = (await connected()).subscribe(METHODS);
      const packets = [await client.next(), await client.next()] as Packet[];
      const call = packets.find((packet) => packet.cmd === 'publish');
      client.publish(call?.topic.replace('POST/m', 'res/201') ?? '', 'null', { qos: 0 });
      expect(await result).toEqual({ status: 201, payload: null });
    });
  });

  describe('the end of a connection', () => {
    const will = { topic: `${EVENTS}reason=gone`, payload: 'bye', qos: 1, retain: true } as const;
    const willStored = { properties: { reason: 'gone', 'mqtt-retain': 'true', 'iothub-MessageType': 'Will' } };
    const flushed = () => new Promise((resolve) => setImmediate(resolve));
    const hubCloses = (reason: CloseReason) => () => {
      hub.connections.close({ deviceId: 'd1' }, reason);
    };

    it('comes with a newer connection of the same device, which both sides of the log tell', async () => {
      const older = await connected({ will });
      const newer = await connected();
      expect(await older.next()).toBe('closed');
      newer.send({ cmd: 'pingreq' });
      expect(await newer.next()).toMatchObject({ cmd: 'pingresp' });
      expect(JSON.stringify(log)).toContain('400027');
      expect(hub.connections.size).toBe(1);
      await flushed();
      expect(stored()).toMatchObject([willStored]);
    });

    it('comes after silence of one and a half times the keep-alive', async () => {
      const client = await connected({ keepalive: 10, will });
      clock.advance(14_000);
      client.send({ cmd: 'pingreq' });
      expect(await client.next()).toMatchObject({ cmd: 'pingresp' });
      clock.advance(14_000);
      expect(hub.connections.size).toBe(1);
      clock.advance(1_000);
      expect(await client.next()).toBe('closed');
      expect(hub.connections.size).toBe(0);
      await flushed();
      expect(stored()).toMatchObject([willStored]);
    });

    it('comes with the end of its token', async () => {
      const password = Buffer.from(token('localhost/devices/d1', { expiresMs: START_MS + 60_000 }));
      const client = await connected({ password });
      clock.advance(59_999);
      expect(hub.connections.size).toBe(1);
      clock.advance(1);
      expect(await client.next()).toBe('closed');
      expect(log.find(({ reason }) => reason?.includes('expired'))).toMatchObject({ code: 401003 });
    });

    it.each<[name: string, end: (client: RawClient) => unknown, sent: boolean]>([
      ['is sent when the connection breaks', (client) => client.stream.destroy(), true],
      ['is sent when the client is closed for what it did', (client) => client.publish('x'), true],
      ['is not sent after DISCONNECT', (client) => client.send({ cmd: 'disconnect' }), false],
      ['is not sent when the hub stops', hubCloses('shutdown'), false],
      ['is not sent for a device that was disabled', hubCloses('disabled'), false],
      ['is not sent for a device that was deleted', hubCloses('deleted'), false],
    ])('the Will %s', async (_name, end, sent) => {
      const client = await connected({ will });
      end(client);
      await settled(() => hub.connections.size + stored().length);
      expect(hub.connections.size).toBe(0);
      expect(stored()).toMatchObject(sent ? [willStored] : []);
    });

    it.each<[reason: string, end: (client: RawClient) => unknown]>([
      ['client-disconnected', (client) => client.send({ cmd: 'disconnect' })],
      ['connection-lost', (client) => client.stream.destroy()],
      ['protocol-violation', (client) => client.publish('x')],
    ])('is logged as %s when it is so', async (reason, end) => {
      end(await connected());
      await settled(() => hub.connections.size);
      expect(log.at(-1)).toMatchObject({ msg: 'Device disconnected', deviceId: 'd1', reason });
    });

    it('leaves no timer behind', async () => {
      const client = await connected();
      client.send({ cmd: 'disconnect' });
      expect(await client.next()).toBe('closed');
      expect(clock.timers).toBe(0);
    });

    it('comes for a client that does not read what it is sent', async () => {
      const client = await connected();
      await client.subscribe('$iothub/twin/PATCH/properties/desired/#').next();
      client.stream.pause();
      const patch = { text: 'x'.repeat(30_000) };
      for (let version = 1; version <= 100; version += 1) {
        hub.connections.listening({ deviceId: 'd1' }, 'desired')?.desiredChanged(patch, version);
      }
      expect(hub.connections.size).toBe(0);
      expect(reasons()).toContain('the client does not read what it is sent');
    });
  });
});

/** Waits until a figure has stayed the same for some turns of the event loop. */
async function settled(figure: () => number): Promise<void> {
  for (let same = 0, last = figure(); same < 20; same += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    if (figure() !== last) same = 0;
    last = figure();
  }
}

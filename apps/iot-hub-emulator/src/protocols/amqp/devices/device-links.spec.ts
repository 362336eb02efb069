import { setImmediate as nextTurn } from 'node:timers/promises';
import { pino } from 'pino';
import { type EventContext, message as rheaMessage, type Receiver, types, uuid_to_string } from 'rhea';
import { AmqpTestClient } from '../../../../test-support/amqp-client.js';
import { aDeviceBoundMessage, takenFeedback } from '../../../../test-support/device-messages.js';
import { aHub, aToken, START_MS, type TestHub } from '../../../../test-support/test-hub.js';
import { sendToDevice } from '../../../hub/cloud-to-device/send-to-device.js';
import { completeMessage } from '../../../hub/cloud-to-device/settle-message.js';
import { identityKey, type Identity } from '../../../hub/identity.js';
import { readLog } from '../../../hub/messages/read-log.js';
import { invokeMethod } from '../../../hub/methods/invoke-method.js';
import { createIdentity, deleteIdentity, getIdentity, updateIdentity } from '../../../hub/registry/identities.js';
import { changeTwin, getTwin } from '../../../hub/twins/service-twin.js';
import { type AmqpEndpoint, createAmqpEndpoint } from '../amqp-endpoint.js';
import { deviceRoutes } from './device-routes.js';

const EVENTS = '/devices/d1/messages/events';
const DEVICE_BOUND = '/devices/d1/messages/devicebound';
const METHODS = '/devices/d1/methods/devicebound';
const TWIN = '/devices/d1/twin';

/** Everybody has another. */
const keyOf = (identity: Identity): string => Buffer.from(identityKey(identity).padEnd(32)).toString('base64');
const data = (value: unknown): unknown =>
  rheaMessage.data_section(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)));
const textOf = (context: EventContext | undefined): string =>
  ((context?.message?.body as { content: Buffer } | undefined)?.content ?? '').toString();

/** Everything here happens in memory: within few turns of the event loop, or never. */
async function turnsUntil(isTrue: () => boolean): Promise<void> {
  for (let turns = 0; !isTrue(); turns += 1) {
    if (turns > 1000) throw new Error('It does not happen.');
    await nextTurn();
  }
}

describe(`the links of devices (${deviceRoutes.length})`, () => {
  let hub: TestHub;
  let endpoint: AmqpEndpoint;
  let log: { msg: string; reason?: string }[];
  let clients: AmqpTestClient[];

  beforeEach(async () => {
    log = [];
    clients = [];
    const logger = pino({ level: 'debug' }, { write: (line) => void log.push(JSON.parse(line) as { msg: string }) });
    hub = aHub({ logger });
    endpoint = createAmqpEndpoint(hub);
    for (const identity of [{ deviceId: 'd1' }, { deviceId: 'd2' }, { deviceId: 'd1', moduleId: 'm1' }]) {
      const symmetricKey = { primaryKey: keyOf(identity), secondaryKey: keyOf(identity) };
      await createIdentity(hub, { ...identity, authentication: { type: 'sas', symmetricKey } });
    }
  });
  afterEach(async () => {
    for (const { stream } of clients) stream.destroy();
    await Promise.all(clients.map((client) => client.closed()));
    await nextTurn();
    // Whatever a link held on to is gone with its connection.
    expect(hub.connections.size).toBe(0);
    hub.store.close();
  });

  /** A connection that has proven these identities. */
  async function connect(...identities: Identity[]): Promise<AmqpTestClient> {
    const client = new AmqpTestClient(endpoint.accept);
    clients.push(client);
    for (const identity of identities) {
      const resource = encodeURIComponent(`localhost/devices/${identityKey(identity).replace('/', '/modules/')}`);
      expect((await client.putToken(aToken(resource, keyOf(identity), START_MS + 3_600_000))).status).toBe(200);
    }
    return client;
  }
  const refused = (condition: string) => expect.objectContaining({ condition }) as unknown;
  const ended = (link: Receiver) =>
    new Promise<unknown>((resolve) =>
      link.once('receiver_close', () => {
        resolve(link.error);
      }),
    );
  const arrived = async (contexts: readonly EventContext[], count: number) => {
    await turnsUntil(() => contexts.length >= count);
    return contexts.slice(0, count);
  };
  const logged = () => readLog(hub.store, { bit: 1, after: 0, limit: 100 });

  it.each([
    ['/devices/d1/modules/m1/messages/devicebound', /^Cloud-to-device messages to modules: not implemented/],
    ['/devices/d1/modules/m1/messages/events', /^Inputs of IoT Edge modules: not implemented/],
    ['/devices/d1/streams', /^Device streams: not implemented/],
  ])('refuses to send on %s, by name', async (address, description) => {
    const client = await connect({ deviceId: 'd1' }, { deviceId: 'd1', moduleId: 'm1' });
    await expect(client.receiver(address)).rejects.toMatchObject({
      condition: 'amqp:not-implemented',
      message: expect.stringMatching(description) as unknown,
    });
  });

  describe('telemetry', () => {
    it('keeps a message with all it says, and accepts it when it is on disk', async () => {
      const client = await connect({ deviceId: 'd1' });
      const sender = await client.sender(EVENTS);
      await client.send(sender, {
        message_id: 'm1',
        correlation_id: 'c1',
        user_id: Buffer.from('me') as unknown as string,
        content_type: 'application/json',
        content_encoding: 'utf-8',
        message_annotations: { 'dt-subject': 'thermostat', 'iothub-interface-id': 'urn:x' },
        application_properties: { level: 'high', count: 3, 'iothub-creation-time-utc': '2030-01-01T11:00:00Z' },
        body: data({ t: 1 }),
      });
      expect(logged()).toEqual([
        expect.objectContaining({
          deviceId: 'd1',
          source: 'Telemetry',
          authScope: 'device',
          properties: { level: 'high', count: '3' },
          systemProperties: {
            messageId: 'm1',
            correlationId: 'c1',
            userId: 'me',
            contentType: 'application/json',
            contentEncoding: 'utf-8',
            subject: 'thermostat',
            interfaceId: 'urn:x',
            creationTimeUtc: '2030-01-01T11:00:00Z',
          },
        }),
      ]);
      expect(Buffer.from(logged()[0]?.body ?? '').toString()).toBe('{"t":1}');
    });

    it('notes the model that the device says it implements, in its twin and its messages', async () => {
      const modelIn = (modelId: string) => ({ properties: { 'com.microsoft:model-id': modelId } });
      const client = await connect({ deviceId: 'd1' }, { deviceId: 'd1', moduleId: 'm1' });
      const sender = await client.sender(EVENTS, modelIn('dtmi:com:example:Thermostat;1'));
      await client.send(sender, { body: data('1') });
      await client.sender('/devices/d1/modules/m1/twin', modelIn('dtmi:com:example:Part;2'));
      await nextTurn();
      expect(getTwin(hub, { deviceId: 'd1' })).toMatchObject({ modelId: 'dtmi:com:example:Thermostat;1' });
      expect(getTwin(hub, { deviceId: 'd1', moduleId: 'm1' })).toMatchObject({ modelId: 'dtmi:com:example:Part;2' });
      const later = await connect({ deviceId: 'd1' });
      await later.send(await later.sender(EVENTS), { body: data('2') });
      expect(logged().map(({ systemProperties }) => systemProperties)).toEqual([
        { dataSchema: 'dtmi:com:example:Thermostat;1' },
        {},
      ]);
      expect(getTwin(hub, { deviceId: 'd1' })).toMatchObject({ modelId: 'dtmi:com:example:Thermostat;1' });
      await expect(later.sender(TWIN, modelIn(`dtmi:${'x'.repeat(2048)};1`))).rejects.toEqual(
        refused('com.microsoft:argument-error'),
      );
    });

    it('takes a batch as a whole, or not at all', async () => {
      const client = await connect({ deviceId: 'd1' });
      const sender = await client.sender(EVENTS);
      const sendBatch = (sections: Buffer[]) =>
        new Promise<string>((resolve) => {
          sender.once('accepted', () => {
            resolve('accepted');
          });
          sender.once('rejected', ({ delivery }: EventContext) => {
            resolve((delivery?.remote_state as { error: { condition: string } }).error.condition);
          });
          const batch = rheaMessage.encode({ body: rheaMessage.data_sections(sections) as unknown });
          sender.send(batch, undefined, 0x80013700);
        });
      const encoded = (text: string) => rheaMessage.encode({ body: data(text) });
      expect(await sendBatch(['a', 'b', 'c'].map(encoded))).toBe('accepted');
      expect(logged().map(({ body }) => Buffer.from(body).toString())).toEqual(['a', 'b', 'c']);
      expect(await sendBatch([encoded('d'), Buffer.from('no message')])).toMatch(/^amqp:|^com\.microsoft:/);
      expect(logged()).toHaveLength(3);
    });

    it('marks what a module sends with its name', async () => {
      const client = await connect({ deviceId: 'd1', moduleId: 'm1' });
      const sender = await client.sender('/devices/d1/modules/m1/messages/events');
      await client.send(sender, { application_properties: { 'iothub-outputname': 'out' }, body: data('x') });
      expect(logged()).toEqual([
        expect.objectContaining({ deviceId: 'd1', moduleId: 'm1', systemProperties: { outputName: 'out' } }),
      ]);
    });

    it('tells messages that are settled together apart', async () => {
      const client = await connect({ deviceId: 'd1' });
      const sender = await client.sender(EVENTS);
      const messages = [
        { body: [1] },
        { body: data('a'), application_properties: { list: [1] } },
        { body: data('b') },
        { body: [2] },
      ];
      const outcomes = await Promise.allSettled(messages.map((message) => client.send(sender, message)));
      expect(outcomes.map((outcome) => (outcome.status === 'rejected' ? String(outcome.reason) : 'accepted'))).toEqual([
        'Error: The body of the message must be data.',
        'Error: Property list is not a simple value.',
        'accepted',
        'Error: The body of the message must be data.',
      ]);
      expect(logged()).toHaveLength(1);
    });

    it('rejects what it cannot keep, and goes on', async () => {
      const client = await connect({ deviceId: 'd1' });
      const sender = await client.sender(EVENTS);
      await expect(client.send(sender, { body: [1, 2] })).rejects.toEqual(refused('com.microsoft:argument-error'));
      await expect(client.send(sender, { body: data('x'.repeat(256 * 1024 + 1)) })).rejects.toEqual(
        refused('amqp:link:message-size-exceeded'),
      );
      await client.send(sender, { body: data('x'.repeat(256 * 1024)) });
      expect(logged()).toHaveLength(1);
    });
  });

  describe('cloud-to-device messages', () => {
    it('waits for credit, and does with a message what its receiver says', async () => {
      for (const id of ['a', 'b', 'c']) await sendToDevice(hub, 'd1', aDeviceBoundMessage(id, { ack: 'full' }));
      const client = await connect({ deviceId: 'd1' });
      const { receiver, contexts } = await client.receiver(DEVICE_BOUND);
      receiver.add_credit(2);
      const [first, second] = await arrived(contexts, 2);
      expect([first, second].map(textOf)).toEqual(['a', 'b']);
      first?.delivery?.accept();
      await nextTurn();
      second?.delivery?.reject();
      receiver.add_credit(1);
      const third = (await arrived(contexts, 3))[2];
      expect(third?.message).toMatchObject({
        message_id: 'c',
        to: '/devices/d1/messages/devicebound',
        application_properties: { 'iothub-ack': 'full' },
        message_annotations: { 'x-opt-sequence-number': 3, 'iothub-enqueuedtime': new Date(START_MS) },
      });
      third?.delivery?.release({ delivery_failed: true });
      receiver.add_credit(1);
      const again = (await arrived(contexts, 4))[3];
      expect(again?.message).toMatchObject({ message_id: 'c', delivery_count: 1 });
      again?.delivery?.accept();
      const feedback: string[] = [];
      await turnsUntil(() => feedback.push(...takenFeedback(hub)) >= 3);
      expect(feedback).toEqual(['a Success', 'b Rejected', 'c Success']);
    });

    it('brings messages as they come, and gives back what is not settled when the link ends', async () => {
      const client = await connect({ deviceId: 'd1' });
      const first = await client.receiver(DEVICE_BOUND);
      first.receiver.add_credit(10);
      await sendToDevice(hub, 'd1', aDeviceBoundMessage('a'));
      expect((await arrived(first.contexts, 1)).map(textOf)).toEqual(['a']);
      first.receiver.close();
      const second = await client.receiver(DEVICE_BOUND);
      second.receiver.add_credit(10);
      expect((await arrived(second.contexts, 1)).map(textOf)).toEqual(['a']);
      expect(getIdentity(hub, { deviceId: 'd1' }).cloudToDeviceMessageCount).toBe(1);
    });

    it('gives back what is not settled at once when another connection replaces it, however silent its client', async () => {
      const client = await connect({ deviceId: 'd1' });
      const first = await client.receiver(DEVICE_BOUND);
      first.receiver.add_credit(10);
      await sendToDevice(hub, 'd1', aDeviceBoundMessage('a', { ack: 'full' }));
      const [held] = await arrived(first.contexts, 1);
      const silent = jest.spyOn(client.stream, 'write').mockReturnValue(true);
      const second = await (await connect({ deviceId: 'd1' })).receiver(DEVICE_BOUND);
      second.receiver.add_credit(10);
      const [again] = await arrived(second.contexts, 1);
      expect(textOf(again)).toBe('a');
      silent.mockRestore();
      // Too late: it is the other's.
      held?.delivery?.reject();
      again?.delivery?.accept();
      const feedback: string[] = [];
      await turnsUntil(() => feedback.push(...takenFeedback(hub)) >= 1);
      expect(feedback).toEqual(['a Success']);
    });

    it('tells a receiver of settle mode second what could not be kept of what it said, of each message apart', async () => {
      for (const id of ['a', 'b', 'c']) await sendToDevice(hub, 'd1', aDeviceBoundMessage(id));
      const client = await connect({ deviceId: 'd1' });
      const { receiver, contexts } = await client.receiver(DEVICE_BOUND, { rcv_settle_mode: 1 });
      const states = new Map<number, unknown>();
      receiver.on('settled', ({ delivery }: EventContext) => {
        if (delivery) states.set(delivery.id, delivery.remote_state);
      });
      receiver.add_credit(3);
      const deliveries = (await arrived(contexts, 3)).map(({ delivery }) => delivery);
      // Completed by another way meanwhile.
      const lockToken = uuid_to_string(deliveries[1]?.tag as Buffer);
      await completeMessage(hub, 'd1', lockToken);
      for (const delivery of deliveries) delivery?.accept();
      await turnsUntil(() => states.size === 3);
      expect(deliveries.map((delivery) => (states.get(delivery?.id ?? -1) as { error?: object }).error)).toEqual([
        undefined,
        refused('com.microsoft:message-lock-lost'),
        undefined,
      ]);
      expect(log.filter(({ msg }) => msg === 'Message refused')).toHaveLength(1);
      await turnsUntil(() => getIdentity(hub, { deviceId: 'd1' }).cloudToDeviceMessageCount === 0);
    });

    it('does not fail the sender of a message that cannot be handed out', async () => {
      const client = await connect({ deviceId: 'd1' });
      const { receiver, contexts } = await client.receiver(DEVICE_BOUND);
      receiver.add_credit(10);
      await sendToDevice(hub, 'd1', aDeviceBoundMessage('first'));
      await arrived(contexts, 1);
      const end = ended(receiver);
      const lock = jest.spyOn(hub.queues.deviceLocks, 'lapse').mockImplementation(() => {
        throw new Error('disk');
      });
      await sendToDevice(hub, 'd1', aDeviceBoundMessage('a'));
      expect(await end).toMatchObject({ condition: 'amqp:internal-error' });
      lock.mockRestore();
      const next = await client.receiver(DEVICE_BOUND);
      next.receiver.add_credit(2);
      expect((await arrived(next.contexts, 2)).map(textOf)).toEqual(['first', 'a']);
    });
  });

  describe('methods', () => {
    const call = { methodName: 'look', payload: { at: 'sky' }, responseTimeoutInSeconds: 10 };

    it('brings calls and takes answers, of devices and of modules', async () => {
      for (const identity of [{ deviceId: 'd1' }, { deviceId: 'd1', moduleId: 'm1' }]) {
        const client = await connect(identity);
        const address = identity.moduleId ? `/devices/d1/modules/${identity.moduleId}/methods/devicebound` : METHODS;
        const properties = { 'com.microsoft:channel-correlation-id': 'methods:1' };
        const sender = await client.sender(address, { properties });
        const { receiver, contexts } = await client.receiver(address, { properties });
        receiver.add_credit(10);
        const result = invokeMethod(hub, identity, call);
        const [request] = await arrived(contexts, 1);
        expect(textOf(request)).toBe('{"at":"sky"}');
        expect(request?.message?.application_properties).toEqual({ 'IoThub-methodname': 'look' });
        await client.send(sender, {
          correlation_id: request?.message?.correlation_id as string,
          application_properties: { 'IoThub-status': types.wrap_int(207) },
          body: data({ seen: 3 }),
        });
        expect(await result).toEqual({ status: 207, payload: { seen: 3 } });
      }
    });

    it.each<[string, (id: Buffer) => unknown]>([
      ['the UUID it is', (id) => id],
      ['its text', uuid_to_string],
      ['its text in capitals', (id) => uuid_to_string(id).toUpperCase()],
    ])('names a call by a UUID, and takes back %s', async (_name, back) => {
      const client = await connect({ deviceId: 'd1' });
      const { receiver, contexts } = await client.receiver(METHODS);
      receiver.add_credit(1);
      const result = invokeMethod(hub, { deviceId: 'd1' }, call);
      const [request] = await arrived(contexts, 1);
      // rhea gives a UUID as its bytes, and any other id as text or a number.
      const id = request?.message?.correlation_id as unknown as Buffer;
      expect([Buffer.isBuffer(id), id.length]).toEqual([true, 16]);
      await client.send(await client.sender(METHODS), {
        correlation_id: back(id) as string,
        application_properties: { 'IoThub-status': types.wrap_int(200) },
        body: data('1'),
      });
      expect(await result).toEqual({ status: 200, payload: 1 });
    });

    it('lets no device answer for another', async () => {
      const client = await connect({ deviceId: 'd1' });
      const { receiver, contexts } = await client.receiver(METHODS);
      receiver.add_credit(1);
      const result = invokeMethod(hub, { deviceId: 'd1' }, call);
      const [request] = await arrived(contexts, 1);
      const answer = (payload: string) => ({
        correlation_id: request?.message?.correlation_id as string,
        application_properties: { 'IoThub-status': types.wrap_int(200) },
        body: data(payload),
      });
      const other = await connect({ deviceId: 'd2' });
      await other.send(await other.sender('/devices/d2/methods/devicebound'), answer('"forged"'));
      await client.send(await client.sender(METHODS), answer('"own"'));
      expect(await result).toEqual({ status: 200, payload: 'own' });
    });

    it('brings no call whose caller has been told that it failed', async () => {
      const client = await connect({ deviceId: 'd1' });
      const { receiver, contexts } = await client.receiver(METHODS);
      // As many as may wait: they must not keep later ones out either.
      const late = Array.from({ length: 100 }, () => invokeMethod(hub, { deviceId: 'd1' }, call));
      const timedOut = Promise.allSettled(late);
      await nextTurn();
      hub.clock.advance(10_000);
      for (const { status } of await timedOut) expect(status).toBe('rejected');
      const awaited = invokeMethod(hub, { deviceId: 'd1' }, { ...call, methodName: 'in-time' });
      awaited.catch(() => undefined);
      await nextTurn();
      receiver.add_credit(200);
      await arrived(contexts, 1);
      for (let turns = 0; turns < 20; turns += 1) await nextTurn();
      expect(contexts.map(({ message }) => message?.application_properties)).toEqual([
        { 'IoThub-methodname': 'in-time' },
      ]);
      hub.clock.advance(10_000);
      await expect(awaited).rejects.toMatchObject({ errorName: 'GatewayTimeout' });
    });

    it('counts a device as online only while it has the receiving link', async () => {
      const client = await connect({ deviceId: 'd1' });
      const sender = await client.sender(METHODS);
      await expect(invokeMethod(hub, { deviceId: 'd1' }, call)).rejects.toMatchObject({ errorName: 'DeviceNotOnline' });
      await expect(client.send(sender, { body: data('{}') })).rejects.toMatchObject({
        message: expect.stringContaining('IoThub-status') as string,
      });
    });
  });

  describe('twin', () => {
    async function twin(address = TWIN, identity: Identity = { deviceId: 'd1' }) {
      const client = await connect(identity);
      const sender = await client.sender(address);
      const { receiver, contexts } = await client.receiver(address);
      receiver.add_credit(100);
      const ask = async (operation: string, resource?: string, body = ' ') => {
        const count = contexts.length + 1;
        await client.send(sender, {
          correlation_id: `r${count}`,
          message_annotations: { operation, ...(resource && { resource }) },
          body: data(body),
        });
        const reply = (await arrived(contexts, count))[count - 1];
        expect(reply?.message?.correlation_id).toBe(`r${count}`);
        return { annotations: reply?.message?.message_annotations, text: textOf(reply) };
      };
      return { ask, contexts };
    }

    it('gives the twin, and takes what the device reports', async () => {
      const { ask } = await twin();
      expect(await ask('GET')).toEqual({
        annotations: { status: 200 },
        text: '{"desired":{"$version":1},"reported":{"$version":1}}',
      });
      const reported = await ask('PATCH', '/properties/reported', '{"zoom":2}');
      expect(reported).toEqual({ annotations: { status: 204, version: 2 }, text: '' });
      const refusal = await ask('PATCH', '/properties/reported', '{"a.b":1}');
      expect(refusal.annotations).toEqual({ status: 400 });
      expect(JSON.parse(refusal.text)).toMatchObject({ errorCode: 400004 });
      expect((await ask('GET')).text).toContain('"zoom":2');
    });

    it('tells of desired properties once asked to, and no more after the other', async () => {
      const { ask, contexts } = await twin();
      const desire = (properties: object) =>
        changeTwin(hub, { deviceId: 'd1' }, { properties: { desired: properties } }, { mode: 'merge' });
      await desire({ a: 1 });
      const resource = '/notifications/twin/properties/desired';
      expect((await ask('PUT', resource)).annotations).toEqual({ status: 200 });
      await desire({ b: 2 });
      const change = (await arrived(contexts, 2))[1];
      expect(change?.message?.correlation_id).toBeUndefined();
      expect(JSON.parse(textOf(change))).toEqual({ b: 2, $version: 3 });
      await ask('DELETE', resource);
      await desire({ c: 3 });
      expect((await ask('GET')).text).toContain('"c":3');
      expect(contexts).toHaveLength(4);
    });

    it('is the module’s own for a module', async () => {
      const { ask } = await twin('/devices/d1/modules/m1/twin', { deviceId: 'd1', moduleId: 'm1' });
      await ask('PATCH', '/properties/reported', '{"mine":true}');
      expect((await ask('GET')).text).toContain('"mine":true');
      const ofDevice = await twin();
      expect((await ofDevice.ask('GET')).text).not.toContain('mine');
    });

    it('refuses what is no operation of a twin', async () => {
      const client = await connect({ deviceId: 'd1' });
      const sender = await client.sender(TWIN);
      const get = { correlation_id: 'r', message_annotations: { operation: 'GET' }, body: data(' ') };
      await expect(client.send(sender, get)).rejects.toMatchObject({
        message: expect.stringContaining('receiving link') as string,
      });
      await client.receiver(TWIN);
      const desired = { ...get, message_annotations: { operation: 'PATCH', resource: '/properties/desired' } };
      await expect(client.send(sender, desired)).rejects.toMatchObject({
        message: 'There is no PATCH of /properties/desired.',
      });
    });
  });

  describe('the connection of a device', () => {
    it('lasts from its first link to its last', async () => {
      const client = await connect({ deviceId: 'd1' });
      const state = () => getIdentity(hub, { deviceId: 'd1' }).connectionState;
      expect(state()).toBe('Disconnected');
      const sender = await client.sender(EVENTS);
      const { receiver } = await client.receiver(DEVICE_BOUND);
      expect(state()).toBe('Connected');
      sender.close();
      await client.sender(TWIN);
      receiver.close();
      await client.sender(EVENTS);
      expect(state()).toBe('Connected');
      client.stream.destroy();
      await turnsUntil(() => state() === 'Disconnected');
    });

    it('may be one of several on the same connection', async () => {
      const client = await connect({ deviceId: 'd1' }, { deviceId: 'd2' });
      const first = await client.receiver(DEVICE_BOUND);
      const second = await client.receiver('/devices/d2/messages/devicebound');
      const end = ended(first.receiver);
      await deleteIdentity(hub, { deviceId: 'd1' });
      expect(await end).toMatchObject({ condition: 'amqp:not-found' });
      second.receiver.add_credit(1);
      await sendToDevice(hub, 'd2', aDeviceBoundMessage('still'));
      expect((await arrived(second.contexts, 1)).map(textOf)).toEqual(['still']);
    });

    it('ends when the same device connects again', async () => {
      const { receiver } = await (await connect({ deviceId: 'd1' })).receiver(DEVICE_BOUND);
      const end = ended(receiver);
      await (await connect({ deviceId: 'd1' })).receiver(DEVICE_BOUND);
      expect(await end).toMatchObject({ condition: 'amqp:link:stolen' });
      expect(hub.connections.size).toBe(1);
    });

    it('ends when the device is disabled, and cannot come back', async () => {
      const client = await connect({ deviceId: 'd1' });
      const { receiver } = await client.receiver(DEVICE_BOUND);
      const end = ended(receiver);
      const device = getIdentity(hub, { deviceId: 'd1' });
      await updateIdentity(hub, { ...device, status: 'disabled' }, '*');
      expect(await end).toMatchObject({ condition: 'amqp:unauthorized-access' });
      await expect(client.receiver(DEVICE_BOUND)).rejects.toEqual(refused('amqp:unauthorized-access'));
      expect(log.map(({ reason }) => reason)).toContain('the device is disabled');
    });

    it.each([
      ['another device', '/devices/d2/messages/events', 'amqp:unauthorized-access'],
      ['its module', '/devices/d1/modules/m1/messages/events', 'amqp:unauthorized-access'],
      ['no device', '/devices/nobody/messages/events', 'amqp:unauthorized-access'],
      ['a module’s input', '/devices/d1/modules/m1/inputs/x', 'amqp:not-found'],
    ])('opens no link of %s', async (_name, address, condition) => {
      const client = await connect({ deviceId: 'd1' });
      await expect(client.sender(address)).rejects.toEqual(refused(condition));
      expect(log.at(-1)).toMatchObject({ msg: 'Link refused', address });
    });
  });
});

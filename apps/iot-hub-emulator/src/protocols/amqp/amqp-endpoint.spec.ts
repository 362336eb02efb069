import { createHmac } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { pino } from 'pino';
import { message as rheaMessage, string_to_uuid, types, type EventContext } from 'rhea';
import { AmqpTestClient } from '../../../test-support/amqp-client.js';
import { aHub, aToken, START_MS, type TestHub } from '../../../test-support/test-hub.js';
import { receiveMessage } from '../../hub/cloud-to-device/receive-message.js';
import { completeMessage } from '../../hub/cloud-to-device/settle-message.js';
import { createIdentity } from '../../hub/registry/identities.js';
import { type AmqpEndpoint, createAmqpEndpoint } from './amqp-endpoint.js';

const HOUR_MS = 3_600_000;
const DEVICE_KEY = Buffer.alloc(32, 7).toString('base64');

describe(createAmqpEndpoint.name, () => {
  let hub: TestHub;
  let endpoint: AmqpEndpoint;
  let log: { msg: string; reason?: string }[];
  let clients: AmqpTestClient[];

  beforeEach(async () => {
    log = [];
    clients = [];
    hub = aHub({
      logger: pino({ level: 'debug' }, { write: (line) => void log.push(JSON.parse(line) as { msg: string }) }),
    });
    endpoint = createAmqpEndpoint(hub);
    const symmetricKey = { primaryKey: DEVICE_KEY, secondaryKey: DEVICE_KEY };
    await createIdentity(hub, { deviceId: 'd#1', authentication: { symmetricKey } });
  });
  afterEach(async () => {
    await Promise.all(
      clients.map(async (client) => {
        client.stream.destroy();
        await client.closed();
      }),
    );
    hub.store.close();
  });

  function connect(options: ConstructorParameters<typeof AmqpTestClient>[1] = {}): AmqpTestClient {
    const client = new AmqpTestClient(endpoint.accept, options);
    clients.push(client);
    return client;
  }

  const keyOf = (policy: string) => hub.policies.find(({ name }) => name === policy)?.primaryKey ?? '';
  const token = (policy = 'service', { resource = 'localhost', lifetimeMs = HOUR_MS, key = keyOf(policy) } = {}) =>
    aToken(resource, key, hub.clock.nowMs() + lifetimeMs, policy);
  const reasons = () => log.map(({ reason }) => reason).filter((reason) => reason !== undefined);

  async function authorized(policy = 'service', lifetimeMs = HOUR_MS): Promise<AmqpTestClient> {
    const client = connect();
    expect((await client.putToken(token(policy, { lifetimeMs }))).status).toBe(200);
    return client;
  }

  describe('$cbs', () => {
    it.each([
      ['text', 'm1'],
      ['a long', 0],
      ['a long', 7],
      ['a UUID', string_to_uuid('9f1c9c2e-4b0e-4a43-8d4a-0f6a4be2d5a1')],
      ['a long of 64 bits', types.wrap_ulong(Buffer.from('ff00000000000001', 'hex')) as string],
    ])('answers with the message id in the type it had: %s', async (_name, id) => {
      const { status, reply } = await connect().putToken(token(), { message_id: id });
      expect(status).toBe(200);
      const expected = Buffer.isBuffer(id) || typeof id !== 'object' ? id : (id as { value: Buffer }).value;
      expect(reply.correlation_id).toEqual(expected);
    });

    it('gives the status as an int, which Python needs', async () => {
      const client = connect();
      const bytes: Buffer[] = [];
      client.stream.on('data', (chunk: Buffer) => bytes.push(chunk));
      await client.putToken(token());
      const int200 = Buffer.from([0x71, 0, 0, 0, 200]);
      expect(Buffer.concat(bytes).includes(Buffer.concat([Buffer.from('status-code'), int200]))).toBe(true);
    });

    it.each([
      ['a body in data sections', () => rheaMessage.data_section(Buffer.from(token())) as unknown, 200, undefined],
      ['no token', () => undefined, 401, 'there is no token'],
      ['another key', () => token('service', { key: DEVICE_KEY }), 401, 'not signed with the keys of the policy'],
      ['another hub', () => token('service', { resource: 'other.azure-devices.net' }), 401, 'for another hub'],
      ['an expired one', () => token('service', { lifetimeMs: -1000 }), 401, 'has expired'],
      ['no such policy', () => token('nobody', { key: DEVICE_KEY }), 401, 'names no shared access policy'],
      ['an Entra ID token', () => 'Bearer eyJ', 401, 'Entra ID tokens are not implemented'],
      [
        'a device, over its own resource',
        () => aToken('localhost%2Fdevices%2Fd%25231', DEVICE_KEY, START_MS + HOUR_MS),
        200,
        undefined,
      ],
      [
        'a device, over another',
        () => aToken('localhost%2Fdevices%2Fd2', DEVICE_KEY, START_MS + HOUR_MS),
        401,
        'there is no such device',
      ],
      ['neither policy nor device', () => aToken('localhost', DEVICE_KEY, START_MS + HOUR_MS), 401, 'names neither'],
    ])('decides on %s', async (_name, body, expected, reason) => {
      const { status } = await connect().putToken(body());
      expect(status).toBe(expected);
      if (reason === undefined) expect(reasons()).toEqual([]);
      else expect(reasons().join()).toContain(reason);
    });

    it('takes tokens of Event Hubs clients, signed with the text of the key', async () => {
      const sr = encodeURIComponent('sb://localhost:8443/testhub');
      const se = String(Math.floor((START_MS + HOUR_MS) / 1000));
      const sign = (key: Buffer) =>
        encodeURIComponent(createHmac('sha256', key).update(`${sr}\n${se}`).digest('base64'));
      const write = (key: Buffer) => `SharedAccessSignature sr=${sr}&sig=${sign(key)}&se=${se}&skn=service`;
      expect((await connect().putToken(write(Buffer.from(keyOf('service'))))).status).toBe(200);
      expect((await connect().putToken(write(Buffer.from(keyOf('service'), 'base64')))).status).toBe(401);
    });

    it('refuses other operations and other tokens', async () => {
      const properties = { operation: 'put-token', type: 'servicebus.windows.net:sastoken' };
      const client = connect();
      const ask = async (more: object) =>
        (await client.putToken(token(), { application_properties: { ...properties, ...more } })).status;
      expect(await ask({ operation: 'delete-token' })).toBe(501);
      expect(await ask({ type: 'jwt' })).toBe(401);
    });

    it('never logs a token', async () => {
      const secret = token('service', { key: DEVICE_KEY });
      await connect().putToken(secret);
      expect(JSON.stringify(log)).not.toContain(encodeURIComponent(/sig=([^&]*)/.exec(secret)?.[1] ?? 'none'));
      expect(JSON.stringify(log)).not.toContain(/sig=([^&]*)/.exec(secret)?.[1] ?? 'none');
    });
  });

  describe('the life of a claim', () => {
    it('ends the connection when its only token lapses', async () => {
      const client = await authorized('service', 60_000);
      await client.sender('/messages/devicebound');
      hub.clock.advance(60_000);
      expect(await client.closed()).toMatchObject({ condition: 'amqp:unauthorized-access' });
      expect(reasons()).toContain('the token has expired');
    });

    it('goes on when the token is renewed', async () => {
      const client = await authorized('service', 60_000);
      const sender = await client.sender('/messages/devicebound');
      expect((await client.putToken(token())).status).toBe(200);
      hub.clock.advance(60_000);
      await client.send(sender, { to: '/devices/d%231/messages/devicebound', body: 'x' });
    });

    it('ends only the links that rest on it', async () => {
      const client = await authorized('service', 60_000);
      const sender = await client.sender('/messages/devicebound');
      const { receiver } = await client.receiver('/messages/serviceBound/feedback');
      expect((await client.putToken(token('iothubowner'))).status).toBe(200);
      const ended = Promise.all([
        new Promise((resolve) => sender.once('sender_close', resolve)),
        new Promise((resolve) => receiver.once('receiver_close', resolve)),
      ]);
      hub.clock.advance(60_000);
      await ended;
      expect(sender.error).toMatchObject({ condition: 'amqp:unauthorized-access' });
      await client.sender('/messages/devicebound');
    });

    describe('of an Event Hubs client', () => {
      const PARTITION = 'testhub/ConsumerGroups/$Default/Partitions/0';
      const MINUTE_MS = 60_000;

      /** Such clients take the key as text. */
      const eventHubsToken = (lifetimeMs: number) => {
        const key = Buffer.from(keyOf('service')).toString('base64');
        return token('service', { resource: encodeURIComponent('sb://localhost/testhub'), key, lifetimeMs });
      };

      async function lapsed(): Promise<AmqpTestClient> {
        const client = connect();
        expect((await client.putToken(eventHubsToken(MINUTE_MS))).status).toBe(200);
        const { receiver } = await client.receiver(PARTITION);
        const end = new Promise<unknown>((resolve) => {
          receiver.once('receiver_close', () => {
            resolve(receiver.error);
          });
        });
        hub.clock.advance(MINUTE_MS);
        expect(await end).toMatchObject({
          condition: 'amqp:link:detach-forced',
          description: expect.stringMatching(
            /^Unauthorized access\. 'Listen' .* Resource: 'sb:\/\/localhost\/testhub'\.$/,
          ),
        });
        expect(reasons()).toContain('the token has expired');
        return client;
      }

      it('ends its links alone: the next token comes on the same connection', async () => {
        const client = await lapsed();
        await expect(client.receiver(PARTITION)).rejects.toMatchObject({ condition: 'amqp:unauthorized-access' });
        expect((await client.putToken(eventHubsToken(HOUR_MS))).status).toBe(200);
        await client.receiver(PARTITION);
        hub.clock.advance(10 * MINUTE_MS);
        await client.receiver(PARTITION);
      });

      it('ends the connection when no other token follows', async () => {
        const client = await lapsed();
        hub.clock.advance(5 * MINUTE_MS);
        expect(await client.closed()).toMatchObject({ condition: 'amqp:connection:forced' });
        expect(reasons()).toContain('The connection was without a token for 300000 ms.');
        expect(hub.clock.timers).toBe(0);
      });
    });
  });

  it('tells devices whose ids differ in case alone apart', async () => {
    const resourceOf = (deviceId: string) => `localhost%2Fdevices%2F${deviceId}`;
    const client = connect();
    for (const [deviceId, lifetimeMs] of [
      ['Pump', 1_000],
      ['pump', HOUR_MS],
    ] as const) {
      await createIdentity(hub, {
        deviceId,
        authentication: { symmetricKey: { primaryKey: DEVICE_KEY, secondaryKey: DEVICE_KEY } },
      });
      expect((await client.putToken(aToken(resourceOf(deviceId), DEVICE_KEY, START_MS + lifetimeMs))).status).toBe(200);
    }
    const sender = await client.sender('/devices/Pump/messages/events');
    await client.sender('/devices/pump/messages/events');
    const lapsed = new Promise<unknown>((resolve) => {
      sender.once('sender_close', () => {
        resolve(sender.error);
      });
    });
    hub.clock.advance(1_000);
    expect(await lapsed).toMatchObject({ condition: 'amqp:unauthorized-access' });
  });

  it('ends the link of a reader of events that cannot be read, and lives on', async () => {
    const client = connect();
    // Event Hubs clients take the key as text.
    const key = Buffer.from(keyOf('service')).toString('base64');
    const resource = encodeURIComponent('sb://localhost/testhub');
    expect((await client.putToken(token('service', { resource, key }))).status).toBe(200);
    const { receiver } = await client.receiver('testhub/ConsumerGroups/$Default/Partitions/0');
    const end = new Promise<unknown>((resolve) => {
      receiver.once('receiver_close', () => {
        resolve(receiver.error);
      });
    });
    jest.spyOn(hub.events, 'lastEnqueued').mockImplementationOnce(() => {
      throw new Error('disk');
    });
    receiver.add_credit(1);
    expect(await end).toMatchObject({ condition: 'amqp:internal-error' });
    await client.receiver('testhub/ConsumerGroups/$Default/Partitions/0');
  });

  it('outlives a client that has called it at a port that there is not', async () => {
    const client = connect({ hostname: 'localhost:99999' });
    expect((await client.putToken(token())).status).toBe(200);
    await expect(client.receiver('/messages/events/$management')).rejects.toMatchObject({
      condition: 'amqp:link:redirect',
    });
  });

  describe('SASL', () => {
    const password = () => token();

    it.each([
      ['ANONYMOUS', () => ({ username: 'anonymous' }), false],
      ['PLAIN of a policy', () => ({ username: 'service@sas.root.testhub', password: password() }), true],
    ])('lets %s in', async (_name, options, isAuthorized) => {
      hub = Object.assign(hub, { hostNames: new Set(['localhost', 'testhub']) });
      const client = connect(options());
      await client.opened();
      const link = client.sender('/messages/devicebound');
      if (isAuthorized) await link;
      else await expect(link).rejects.toMatchObject({ condition: 'amqp:unauthorized-access' });
    });

    it.each([
      ['a name of no known form', 'service', () => token(), 'neither {policy}@sas.root.{hub}'],
      ['another hub', 'service@sas.root.other', () => token(), 'of another hub'],
      ['another policy than the token', 'iothubowner@sas.root.localhost', () => token(), 'of another policy'],
      [
        'another device than the token',
        'd2@sas.localhost',
        () => aToken('localhost%2Fdevices%2Fd%25231', DEVICE_KEY, START_MS + HOUR_MS),
        'of another device',
      ],
      ['a wrong key', 'service@sas.root.localhost', () => token('service', { key: DEVICE_KEY }), 'not signed'],
    ])('refuses PLAIN with %s', async (_name, username, secret, reason) => {
      const client = connect({ username, password: secret() });
      await expect(client.opened()).rejects.toThrow('Failed to authenticate: 1');
      await client.closed();
      expect(reasons().join()).toContain(reason);
    });

    it('closes on a mechanism that it did not offer, in time', async () => {
      const client = connect({ sasl_mechanisms: { PLAIN: () => ({ start: () => undefined }) } });
      hub.clock.advance(10_000);
      await client.closed();
      expect(reasons()).toContain('no open in time');
    });
  });

  describe('links', () => {
    it.each([
      ['/messages/devicebound', 'sender'],
      ['amqps://localhost/Messages/DeviceBound', 'sender'],
      ['messages/devicebound/', 'sender'],
      ['/messages/serviceBound/feedback', 'receiver'],
      ['AMQPS://localhost:5671/messages/servicebound/filenotifications?x=1', 'receiver'],
    ] as const)('finds %s', async (address, kind) => {
      const client = await authorized();
      await client[kind](address);
    });

    it.each([
      ['/messages/elsewhere', 'sender', 'amqp:not-found', 'There is nothing to send at this address.'],
      ['/messages/devicebound', 'receiver', 'amqp:not-found', 'There is nothing to receive at this address.'],
      ['/messages/%ff', 'sender', 'com.microsoft:argument-error', 'The address is not percent-encoded UTF-8.'],
      ['', 'sender', 'amqp:not-found', 'There is nothing to send at this address.'],
    ] as const)('refuses %s as %s, and says why in the log', async (address, kind, condition, description) => {
      const client = await authorized();
      await expect(client[kind](address)).rejects.toMatchObject({ condition, message: description });
      expect(log).toContainEqual(expect.objectContaining({ msg: 'Link refused', address, reason: description }));
      await client.sender('/messages/devicebound');
    });

    it.each([
      [undefined, 'no token was presented'],
      ['device', 'policy device lacks ServiceConnect'],
      ['registryReadWrite', 'policy registryReadWrite lacks ServiceConnect'],
    ])('refuses what policy %s may not do', async (policy, reason) => {
      const client = policy === undefined ? connect() : await authorized(policy);
      await expect(client.receiver('/messages/serviceBound/feedback')).rejects.toMatchObject({
        condition: 'amqp:unauthorized-access',
        message: 'Unauthorized',
      });
      expect(reasons()).toContain(reason);
    });

    it('can be attached, detached and attached again without end', async () => {
      const client = await authorized();
      for (let round = 0; round < 300; round += 1) {
        const sender = await client.sender('/messages/devicebound');
        sender.close();
        await new Promise((resolve) => sender.once('sender_close', resolve));
      }
    }, 60_000);
  });

  describe('messages to devices', () => {
    const to = '/devices/d%231/messages/deviceBound';

    it('reach the queue with all their fields', async () => {
      const client = await authorized();
      const sender = await client.sender('/messages/devicebound');
      await client.send(sender, {
        to,
        message_id: string_to_uuid('9f1c9c2e-4b0e-4a43-8d4a-0f6a4be2d5a1'),
        correlation_id: 17,
        user_id: Buffer.from('somebody') as unknown as string,
        content_type: 'application/json',
        content_encoding: 'utf-8',
        absolute_expiry_time: new Date(START_MS + 60_000),
        application_properties: { 'iothub-ack': 'full', text: 'ä', number: 1.5, flag: true, nothing: null },
        body: rheaMessage.data_section(Buffer.from('{"a":1}')),
      });
      const received = receiveMessage(hub, 'd#1');
      expect(received).toMatchObject({
        properties: { text: 'ä', number: '1.5', flag: 'true', nothing: null },
        systemProperties: {
          messageId: '9f1c9c2e-4b0e-4a43-8d4a-0f6a4be2d5a1',
          correlationId: '17',
          userId: 'somebody',
          to,
          contentType: 'application/json',
          contentEncoding: 'utf-8',
          ack: 'full',
          expiryTimeUtc: new Date(START_MS + 60_000).toISOString(),
        },
      });
      expect(Buffer.from(received?.body ?? []).toString()).toBe('{"a":1}');
    });

    it('live as long as their time to live says', async () => {
      const client = await authorized();
      await client.send(await client.sender('/messages/devicebound'), { to, body: 'x', ttl: 1000 });
      hub.clock.advance(1001);
      expect(receiveMessage(hub, 'd#1')).toBeUndefined();
    });

    it.each([
      ['nobody', { to: '/devices/d2/messages/devicebound', body: 'x' }, 'amqp:not-found'],
      ['no address', { body: 'x' }, 'com.microsoft:argument-error'],
      ['another address', { to: '/devices/d%231/messages/events', body: 'x' }, 'com.microsoft:argument-error'],
      ['a module', { to: '/devices/d%231/modules/m/messages/deviceBound', body: 'x' }, 'amqp:not-implemented'],
      ['an object', { to, body: { a: 1 } }, 'com.microsoft:argument-error'],
      [
        'a property that is a list',
        { to, body: 'x', application_properties: { a: [1] } },
        'com.microsoft:argument-error',
      ],
      [
        'a feedback mode of no kind',
        { to, body: 'x', application_properties: { 'iothub-ack': 'some' } },
        'com.microsoft:argument-error',
      ],
      ['65 KiB', { to, body: Buffer.alloc(65 * 1024) }, 'amqp:link:message-size-exceeded'],
      ['300 KiB', { to, body: Buffer.alloc(300 * 1024) }, 'amqp:link:message-size-exceeded'],
    ])('are rejected: %s', async (_name, message, condition) => {
      const client = await authorized();
      const sender = await client.sender('/messages/devicebound');
      await expect(client.send(sender, message as object)).rejects.toMatchObject({ condition });
      await client.send(sender, { to, body: 'the next one' });
    });

    it('are settled each as it deserves, also when all are done at once', async () => {
      const client = await authorized();
      const sender = await client.sender('/messages/devicebound');
      const outcomes = await Promise.allSettled(
        ['good', 'bad', 'good', 'bad', 'bad', 'good', 'good'].map((kind) =>
          client.send(sender, { to, body: 'x', application_properties: kind === 'good' ? {} : { list: [1] } }),
        ),
      );
      expect(outcomes.map(({ status }) => status === 'fulfilled')).toEqual([
        true,
        false,
        true,
        false,
        false,
        true,
        true,
      ]);
    });

    it('are rejected from the 51st on', async () => {
      const client = await authorized();
      const sender = await client.sender('/messages/devicebound');
      const outcomes = await Promise.allSettled(
        Array.from({ length: 60 }, (_, index) => client.send(sender, { to, body: `${index}` })),
      );
      expect(outcomes.map(({ status }) => status)).toEqual([
        ...Array<string>(50).fill('fulfilled'),
        ...Array<string>(10).fill('rejected'),
      ]);
      expect(outcomes[50]).toMatchObject({ reason: { condition: 'amqp:resource-limit-exceeded' } });
    });

    it('are not waited for when they come settled', async () => {
      const client = await authorized();
      const sender = await client.sender('/messages/devicebound', { snd_settle_mode: 1 });
      sender.send({ to, body: 'x' });
      const second = await client.sender('/messages/devicebound');
      await client.send(second, { to, body: 'y' });
      expect(receiveMessage(hub, 'd#1')).toBeDefined();
      expect(receiveMessage(hub, 'd#1')).toBeDefined();
    });
  });

  describe('feedback', () => {
    const to = '/devices/d%231/messages/devicebound';
    const textOf = ({ message }: EventContext) => (message?.body as { content: Buffer }).content.toString();

    async function sendAndComplete(client: AmqpTestClient, count = 1): Promise<void> {
      const sender = await client.sender('/messages/devicebound');
      for (let index = 0; index < count; index += 1) {
        await client.send(sender, {
          to,
          body: 'x',
          message_id: `m${index}`,
          application_properties: { 'iothub-ack': 'positive' },
        });
        await completeMessage(hub, 'd#1', receiveMessage(hub, 'd#1')?.lockToken ?? '');
      }
    }

    const arrived = async (contexts: EventContext[], count: number) => {
      for (let turn = 0; contexts.length < count && turn < 1000; turn += 1) await nextTurn();
      expect(contexts).toHaveLength(count);
    };

    it('comes in batches of 64 at most, as far as credit goes', async () => {
      const client = await authorized();
      await sendAndComplete(client, 70);
      const { receiver, contexts } = await client.receiver('/messages/serviceBound/feedback');
      receiver.add_credit(1);
      await arrived(contexts, 1);
      receiver.add_credit(5);
      await arrived(contexts, 2);
      const records = contexts.map((context) => JSON.parse(textOf(context)) as { originalMessageId: string }[]);
      expect(records.map(({ length }) => length)).toEqual([64, 6]);
      expect(records.flat().map(({ originalMessageId }) => originalMessageId)).toEqual(
        Array.from({ length: 70 }, (_, index) => `m${index}`),
      );
      expect(contexts[0]?.message).toMatchObject({ content_type: 'application/vnd.microsoft.iothub.feedback.json' });
      expect(contexts[0]?.message?.user_id?.toString()).toBe('testhub');
      expect(contexts[0]?.delivery?.tag).toHaveLength(16);
    });

    it('comes as it happens', async () => {
      const client = await authorized();
      const { receiver, contexts } = await client.receiver('/messages/serviceBound/feedback');
      receiver.add_credit(10);
      await sendAndComplete(client);
      await arrived(contexts, 1);
    });

    it.each([
      ['accept', 0],
      ['reject', 0],
      ['release', 1],
      ['modified', 1],
    ] as const)('is settled by %s', async (act, again) => {
      const client = await authorized();
      await sendAndComplete(client);
      const { receiver, contexts } = await client.receiver('/messages/serviceBound/feedback');
      receiver.add_credit(1);
      await arrived(contexts, 1);
      contexts[0]?.delivery?.[act]();
      const other = await client.receiver('/messages/serviceBound/feedback');
      other.receiver.add_credit(1);
      await arrived(other.contexts, again);
      const left = hub.store.sql('SELECT count(*) AS n FROM service_messages').get() as { n: number };
      expect(left.n).toBe(again);
    });

    it('goes to the next receiver when one ends without settling', async () => {
      const client = await authorized();
      await sendAndComplete(client);
      const first = await authorized();
      const { receiver, contexts } = await first.receiver('/messages/serviceBound/feedback');
      receiver.add_credit(1);
      await arrived(contexts, 1);
      first.stream.destroy();
      const second = await client.receiver('/messages/serviceBound/feedback');
      second.receiver.add_credit(1);
      await arrived(second.contexts, 1);
    });

    it('answers a client that drains its credit', async () => {
      const client = await authorized();
      const { receiver } = await client.receiver('/messages/serviceBound/feedback');
      receiver.add_credit(4_000_000_000);
      const drained = new Promise((resolve) => receiver.once('receiver_drained', resolve));
      receiver.drain_credit();
      await drained;
      expect((receiver as unknown as { credit: number }).credit).toBe(0);
    });
  });

  it('tells clients when the hub stops', async () => {
    const client = await authorized();
    const stopped = endpoint.close();
    expect(await client.closed()).toMatchObject({ condition: 'amqp:connection:forced' });
    await stopped;
  });

  it('leaves no timer behind', async () => {
    const client = await authorized();
    expect(hub.clock.timers).toBe(1);
    client.stream.destroy();
    for (let turn = 0; hub.clock.timers > 0 && turn < 100; turn += 1) await nextTurn();
    expect(hub.clock.timers).toBe(0);
  });

  it('ends a connection that does not open in time', async () => {
    const client = connect();
    client.stream.removeAllListeners('data');
    hub.clock.advance(10_000);
    await new Promise((resolve) => client.stream.once('close', resolve));
    expect(reasons()).toEqual(['no open in time']);
  });
});

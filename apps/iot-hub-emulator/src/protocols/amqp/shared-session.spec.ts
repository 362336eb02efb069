import { setImmediate as nextTurn } from 'node:timers/promises';
import type { EventContext, Receiver } from 'rhea';
import { AmqpTestClient } from '../../../test-support/amqp-client.js';
import { aLoggedMessage } from '../../../test-support/log-messages.js';
import { aHub, aToken, START_MS, type TestHub } from '../../../test-support/test-hub.js';
import { receiveMessage } from '../../hub/cloud-to-device/receive-message.js';
import { completeMessage } from '../../hub/cloud-to-device/settle-message.js';
import { appendToLog } from '../../hub/messages/message-log.js';
import { readLog } from '../../hub/messages/read-log.js';
import { partitionOf } from '../../hub/messages/partition.js';
import { createIdentity } from '../../hub/registry/identities.js';
import { createAmqpEndpoint } from './amqp-endpoint.js';

const PARTITIONS = ['0', '1', '2', '3'];
/** More than rhea keeps for a session by default, 2048. */
const EVENTS_EACH = 2_500;
const KEY = Buffer.alloc(32, 7).toString('base64');
const HOUR_MS = 3_600_000;
const TURNS_LIMIT = 100_000;

/** The links of a session share its window, and the room that rhea has for its messages. */
describe('links that share a session', () => {
  let hub: TestHub;
  let client: AmqpTestClient;

  beforeEach(() => {
    hub = aHub();
  });
  afterEach(async () => {
    client.stream.destroy();
    await client.closed();
    hub.store.close();
  });

  async function connect(options: ConstructorParameters<typeof AmqpTestClient>[1] = {}): Promise<void> {
    client = new AmqpTestClient(createAmqpEndpoint(hub).accept, options);
    const key = hub.policies.find(({ name }) => name === 'iothubowner')?.primaryKey ?? '';
    // Event Hubs clients sign with the text of the key.
    const ofText = Buffer.from(key).toString('base64');
    for (const token of [
      aToken('localhost', key, START_MS + HOUR_MS, 'iothubowner'),
      aToken(encodeURIComponent('sb://localhost/testhub'), ofText, START_MS + HOUR_MS, 'iothubowner'),
    ]) {
      expect((await client.putToken(token)).status).toBe(200);
    }
  }

  /** Events of each partition, each a few hundred bytes, with its number within the partition as its body's start. */
  async function fill(eventsEach = EVENTS_EACH, bodyBytes = 300): Promise<void> {
    const names = Array.from({ length: 99 }, (_, index) => `d${index}`);
    await hub.store.write(() => {
      for (const partition of PARTITIONS) {
        const deviceId = names.find((name) => partitionOf(name, PARTITIONS.length) === Number(partition)) ?? '';
        for (let number = 0; number < eventsEach; number += 1) {
          appendToLog(hub, aLoggedMessage({ deviceId, body: Buffer.from(`${number}`.padEnd(bodyBytes)) }));
        }
      }
    });
  }

  interface Reading {
    readonly receiver: Receiver;
    readonly numbers: number[];
  }

  /** Reads a partition from its beginning; the client takes what comes. */
  async function read(partition: string, creditWindow: number): Promise<Reading> {
    const address = `testhub/ConsumerGroups/$Default/Partitions/${partition}`;
    const numbers: number[] = [];
    const receiver = client.connection.open_receiver({
      source: { address },
      credit_window: creditWindow,
      autoaccept: true,
    });
    receiver.on('message', ({ message }: EventContext) => {
      numbers.push(Number((message?.body as { content: Buffer }).content.toString()));
    });
    await new Promise((resolve) => receiver.once('receiver_open', resolve));
    return { receiver, numbers };
  }

  async function turnsUntil(condition: () => boolean, what: string): Promise<void> {
    for (let turn = 0; !condition(); turn += 1) {
      if (turn > TURNS_LIMIT) throw new Error(`Waited in vain: ${what}`);
      await nextTurn();
    }
  }

  const all = (count = EVENTS_EACH) => Array.from({ length: count }, (_, index) => index);

  async function feedbackOf(count: number): Promise<void> {
    await createIdentity(hub, { deviceId: 'told' });
    const sender = await client.sender('/messages/devicebound');
    for (let index = 0; index < count; index += 1) {
      const to = '/devices/told/messages/devicebound';
      await client.send(sender, { to, body: 'x', application_properties: { 'iothub-ack': 'positive' } });
      await completeMessage(hub, 'told', receiveMessage(hub, 'told')?.lockToken ?? '');
    }
  }

  it.each([
    [100, 300],
    [1000, 300],
    [1000, 4000],
  ])('read all partitions to their ends, with credit for %i and bodies of %i bytes', async (credit, bodyBytes) => {
    await fill(EVENTS_EACH, bodyBytes);
    await connect();
    const readings = await Promise.all(PARTITIONS.map((partition) => read(partition, credit)));
    await turnsUntil(() => readings.every(({ numbers }) => numbers.length >= EVENTS_EACH), 'all events');
    for (const { numbers } of readings) expect(numbers).toEqual(all());
  });

  it('go on while one of them gets no further', async () => {
    await fill();
    await connect();
    const slow = await read('0', 0);
    slow.receiver.add_credit(10);
    const quick = [await read('1', 100), await read('2', 1000)];
    await turnsUntil(() => quick.every(({ numbers }) => numbers.length >= EVENTS_EACH), 'the events of the quick ones');
    expect(slow.numbers).toEqual(all(10));
    slow.receiver.add_credit(EVENTS_EACH);
    await turnsUntil(() => slow.numbers.length >= EVENTS_EACH, 'the rest');
    expect(slow.numbers).toEqual(all());
  });

  it('go on while the client keeps a message unsettled', async () => {
    await fill();
    await connect({ session_buffer_size: { incoming: 3 * EVENTS_EACH, outgoing: 2048 } });
    await feedbackOf(1);
    const kept = await client.receiver('/messages/serviceBound/feedback');
    kept.receiver.add_credit(1);
    await turnsUntil(() => kept.contexts.length === 1, 'the feedback');
    const { numbers } = await read('0', 100);
    await turnsUntil(() => numbers.length >= EVENTS_EACH, 'the events');
    kept.contexts[0]?.delivery?.accept();
    await turnsUntil(() => hub.store.sql('SELECT 1 FROM service_messages').get() === undefined, 'the outcome');
  });

  it('send no more than the client’s window takes, whatever credit its links have', async () => {
    await fill(100);
    const window = 50;
    await connect({ session_buffer_size: window });
    await feedbackOf(1);
    // Stands at the head of all that this client has room for.
    const kept = await client.receiver('/messages/serviceBound/feedback');
    kept.receiver.add_credit(1);
    await turnsUntil(() => kept.contexts.length === 1, 'the feedback');
    const first = await read('0', 0);
    const second = await read('1', 0);
    first.receiver.add_credit(1000);
    await turnsUntil(() => first.numbers.length === window - 1, 'what there is room for');
    second.receiver.add_credit(1000);
    for (let turn = 0; turn < 100; turn += 1) await nextTurn();
    expect([first.numbers.length, second.numbers.length]).toEqual([window - 1, 0]);
    // One that the hub still holds back must not go out on a link that is gone.
    first.receiver.close();
    await new Promise((resolve) => first.receiver.once('receiver_close', resolve));
    kept.contexts[0]?.delivery?.accept();
    await turnsUntil(() => second.numbers.length === 100, 'the events of the other link');
    expect(second.numbers).toEqual(all(100));
  });

  it('have the room of what a link that is gone had left unsettled', async () => {
    await fill(100);
    await connect({ session_buffer_size: { incoming: 10_000, outgoing: 2048 } });
    await feedbackOf(1);
    for (let round = 0; round < 2_100; round += 1) {
      const { receiver, contexts } = await client.receiver('/messages/serviceBound/feedback');
      receiver.add_credit(1);
      await turnsUntil(() => contexts.length === 1, `the feedback in round ${round}`);
      receiver.close();
      await new Promise((resolve) => receiver.once('receiver_close', resolve));
    }
    const { numbers } = await read('0', 100);
    await turnsUntil(() => numbers.length === 100, 'the events');
  });

  it('have the room of what came on links that the hub had ended', async () => {
    await createIdentity(hub, {
      deviceId: 'd1',
      authentication: { symmetricKey: { primaryKey: KEY, secondaryKey: KEY } },
    });
    client = new AmqpTestClient(createAmqpEndpoint(hub).accept);
    // Keeps the connection, while the other one lapses each time.
    await createIdentity(hub, {
      deviceId: 'd2',
      authentication: { symmetricKey: { primaryKey: KEY, secondaryKey: KEY } },
    });
    const authorize = async (deviceId: string, lifetimeMs: number) => {
      const token = aToken(encodeURIComponent(`localhost/devices/${deviceId}`), KEY, hub.clock.nowMs() + lifetimeMs);
      expect((await client.putToken(token)).status).toBe(200);
    };
    await authorize('d2', HOUR_MS);
    for (let round = 0; round < 21; round += 1) {
      await authorize('d1', 1000);
      const sender = await client.sender('/devices/d1/messages/events');
      const closed = new Promise((resolve) => sender.once('sender_close', resolve));
      hub.clock.advance(1000);
      // The client has not heard of the end yet.
      for (let number = 0; number < 100; number += 1) sender.send({ body: 'late' });
      await closed;
    }
    await authorize('d1', 1000);
    await client.send(await client.sender('/devices/d1/messages/events'), { body: 'in time' });
    expect(readLog(hub.store, { bit: 1, after: 0, limit: 1000 })).toHaveLength(1);
  });
});

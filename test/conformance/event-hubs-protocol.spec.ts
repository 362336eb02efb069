import { createHmac } from 'node:crypto';
import { Message } from 'azure-iot-device';
import { create_container, types, type Connection, type EventContext, type Receiver } from 'rhea';
import { EventHubReaders } from '../support/event-hub.js';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { until } from '../support/until.js';

/** Code of a selector filter, and one that takes the place of a filter's value. */
const SELECTOR = 77567109365764;

interface Reading {
  readonly receiver: Receiver;
  readonly sequenceNumbers: number[];
  error?: { condition: string; description: string };
}

/** What no SDK lets a program do, over AMQP itself. */
describe('a partition of the built-in endpoint over AMQP', () => {
  let hub: TestIotHub;
  let connection: Connection;
  let partitionId: string;

  beforeEach(async () => {
    hub = await startTestIotHub();
    const device = await hub.device((await hub.addDevice('d1')).connectionString);
    await device.open();
    for (let index = 0; index < 10; index += 1) await device.sendEvent(new Message(String(index)));
    const readers = new EventHubReaders(hub);
    partitionId = await readers.partitionInUse();
    await readers.close();
    connection = create_container().connect({
      transport: 'tls',
      host: 'localhost',
      port: hub.emulator.port,
      ca: hub.emulator.caCertificate,
      username: 'service@sas.root.localhub',
      password: token(),
      reconnect: false,
    } as object as Parameters<ReturnType<typeof create_container>['connect']>[0]);
    connection.on('disconnected', () => undefined);
  });
  afterEach(async () => {
    connection.close();
    await hub.close();
  });

  /** Over the event hub, signed with the policy's key as text, as Event Hubs clients do. */
  const token = (): string => {
    const [, key = ''] = /SharedAccessKey=([^;]+)/.exec(hub.emulator.eventHubsConnectionString) ?? [];
    const resource = encodeURIComponent(`sb://localhost:${hub.emulator.port}/localhub`);
    const expiry = Math.floor(Date.now() / 1000) + 600;
    const signature = createHmac('sha256', key).update(`${resource}\n${expiry}`).digest('base64');
    return `SharedAccessSignature sr=${resource}&sig=${encodeURIComponent(signature)}&se=${expiry}&skn=service`;
  };
  const read = ({ filter, epoch }: { filter?: string; epoch?: bigint } = {}): Reading => {
    const eight = Buffer.alloc(8);
    eight.writeBigInt64BE(epoch ?? 0n);
    const receiver = connection.open_receiver({
      source: {
        address: `localhub/ConsumerGroups/$Default/Partitions/${partitionId}`,
        ...(filter !== undefined && {
          filter: { 'apache.org:selector-filter:string': types.wrap_described(filter, SELECTOR) },
        }),
      },
      credit_window: 0,
      ...(epoch !== undefined && { properties: { 'com.microsoft:epoch': types.wrap_long(eight) } }),
    });
    const reading: Reading = { receiver, sequenceNumbers: [] };
    receiver.on('message', ({ message, delivery }: EventContext) => {
      expect(delivery?.remote_settled).toBe(true);
      reading.sequenceNumbers.push(Number(message?.message_annotations?.['x-opt-sequence-number']));
    });
    receiver.on('receiver_error', () => {
      reading.error = receiver.error as object as { condition: string; description: string };
    });
    return reading;
  };

  /** The hub has answered something later: what it had to send before has come. */
  const answered = async () => {
    const { receiver } = read();
    await new Promise((resolve) => receiver.once('receiver_open', resolve));
    receiver.close();
  };

  it('brings as many events as there is credit for, and not one more', async () => {
    const { receiver, sequenceNumbers } = read();
    receiver.add_credit(3);
    await until(() => sequenceNumbers.length >= 3, 'three events');
    await answered();
    expect(sequenceNumbers).toEqual([0, 1, 2]);
    receiver.add_credit(2);
    await until(() => sequenceNumbers.length >= 5, 'two more');
    await answered();
    expect(sequenceNumbers).toEqual([0, 1, 2, 3, 4]);
    // What is left of the credit is given up: nothing comes after that.
    receiver.add_credit(20);
    await until(() => sequenceNumbers.length >= 10, 'the rest');
    receiver.drain_credit();
    await new Promise((resolve) => receiver.once('receiver_drained', resolve));
    expect(sequenceNumbers).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('begins where the filter says, in the form of older clients too', async () => {
    const latest = read({ filter: "amqp.annotation.x-opt-sequence-number > '7'" });
    const older = read({ filter: 'amqp.annotation.x-opt-enqueuedtimeutc > 0' });
    for (const { receiver } of [latest, older]) receiver.add_credit(50);
    await until(() => latest.sequenceNumbers.length + older.sequenceNumbers.length >= 12, 'all events of both');
    expect(latest.sequenceNumbers).toEqual([8, 9]);
    expect(older.sequenceNumbers).toHaveLength(10);
  });

  it('refuses a filter that is no position', async () => {
    const reading = read({ filter: 'level > 5' });
    const error = await until(() => reading.error, 'the refusal');
    expect(error).toMatchObject({ condition: 'com.microsoft:argument-error' });
    expect(error.description).toContain('level > 5');
  });

  it('tells epochs apart that differ in the last of 64 bits', async () => {
    const epoch = 2n ** 62n;
    const owner = read({ epoch: epoch + 1n });
    owner.receiver.add_credit(1);
    await until(() => owner.sequenceNumbers.length === 1, 'an event for the owner');
    const lower = read({ epoch });
    expect(await until(() => lower.error, 'the refusal')).toMatchObject({ condition: 'amqp:link:stolen' });
    const higher = read({ epoch: epoch + 2n });
    const stolen = await until(() => owner.error, 'the end of the owner');
    expect(stolen.description).toContain(`higher epoch of '${epoch + 2n}'`);
    higher.receiver.add_credit(1);
    await until(() => higher.sequenceNumbers.length === 1, 'an event for the new owner');
  });
});

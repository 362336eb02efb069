import {
  earliestEventPosition,
  EventHubConsumerClient,
  EventHubProducerClient,
  latestEventPosition,
} from '@azure/event-hubs';
import { Message } from 'azure-iot-device';
import { manualClock } from '../../apps/iot-hub-emulator/test-support/manual-clock.js';
import { EventHubReaders } from '../support/event-hub.js';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { until } from '../support/until.js';

const DAY_MS = 24 * 60 * 60 * 1000;

type CodedError = Error & { code?: string };

describe('what the built-in endpoint refuses @azure/event-hubs', () => {
  let hub: TestIotHub;
  let readers: EventHubReaders;

  beforeEach(async () => {
    hub = await startTestIotHub();
    readers = new EventHubReaders(hub);
  });
  afterEach(async () => {
    await readers.close();
    await hub.close();
  });

  const refusal = async (client: EventHubConsumerClient, partitionId = '0'): Promise<CodedError> => {
    const { errors } = readers.follow(client, { partitionId, startPosition: latestEventPosition });
    return await until(() => errors[0] as CodedError | undefined, 'the refusal');
  };
  const changed = (pattern: RegExp, replacement: string) => {
    const text = hub.emulator.eventHubsConnectionString;
    const result = text.replace(pattern, replacement);
    expect(result).not.toBe(text);
    return result;
  };

  it.each([
    ['a wrong key', /SharedAccessKey=[^;]+/, `SharedAccessKey=${Buffer.alloc(32, 1).toString('base64')}`],
    ['an unknown policy', /SharedAccessKeyName=[^;]+/, 'SharedAccessKeyName=nobody'],
  ])('%s', async (_, pattern, replacement) => {
    const connectionString = changed(pattern, replacement);
    const error = await refusal(readers.client({ connectionString }));
    expect(error.code).toBe('UnauthorizedError');
    await expect(readers.client({ connectionString }).getPartitionIds()).rejects.toMatchObject({
      code: 'UnauthorizedError',
    });
    expect(hub.log.some(({ msg, reason }) => msg === 'Token refused' && reason !== undefined)).toBe(true);
    expect(JSON.stringify(hub.log)).not.toContain(Buffer.alloc(32, 1).toString('base64'));
  });

  it('a consumer group, a partition and an event hub that there are not, by name', async () => {
    const group = await refusal(readers.client({ group: 'nobody' }));
    expect(group.code).toBe('MessagingEntityNotFoundError');
    expect(group.message).toContain("'nobody'");
    const partition = await refusal(readers.client(), '9');
    expect(partition.code).toBe('ArgumentOutOfRangeError');
    expect(partition.message).toContain('It should be between 0 and 3');
    await expect(readers.client().getPartitionProperties('boo')).rejects.toMatchObject({
      code: 'ArgumentOutOfRangeError',
    });
    const connectionString = changed(/EntityPath=.*/, 'EntityPath=otherhub');
    await expect(readers.client({ connectionString }).getPartitionIds()).rejects.toThrow();
    expect((await refusal(readers.client({ connectionString }))).message).toContain("'otherhub'");
  });

  it('a sender', async () => {
    const producer = new EventHubProducerClient(hub.emulator.eventHubsConnectionString, {
      retryOptions: { maxRetries: 0, timeoutInMs: 5000 },
    });
    await expect(producer.sendBatch([{ body: 'a' }])).rejects.toMatchObject({
      code: 'UnauthorizedError',
      message: expect.stringMatching(/'Send' claim\(s\) are required.*is for reading/) as string,
    });
    await producer.close();
  });

  it('goes on bringing events to a reader after others were refused', async () => {
    const device = await hub.device((await hub.addDevice('d1')).connectionString);
    await device.open();
    const { events, errors } = readers.follow(readers.client(), { startPosition: earliestEventPosition });
    await refusal(readers.client({ group: 'nobody' }));
    await device.sendEvent(new Message('a'));
    await until(() => events.length === 1, 'the event');
    expect(errors).toEqual([]);
  });
});

describe('retention of the built-in endpoint', () => {
  it('takes old events away, and readers begin at the oldest that is left', async () => {
    const clock = manualClock(Date.now());
    const hub = await startTestIotHub({ clock });
    await hub.addDevice('d1');
    const send = async (text: string) => {
      const device = await hub.device(hub.emulator.deviceConnectionString('d1'));
      await device.open();
      await device.sendEvent(new Message(text));
      await device.close();
    };
    await send('old');
    const before = new EventHubReaders(hub);
    const partitionId = await before.partitionInUse();
    await before.close();
    // There and back: what is old is looked for every ten seconds, but tokens are of our own time.
    clock.advance(DAY_MS + 10_000);
    clock.advance(-DAY_MS - 10_000);
    const readers = new EventHubReaders(hub);
    const client = readers.client();
    const { lastEnqueuedOffset } = await until(async () => {
      const properties = await client.getPartitionProperties(partitionId);
      return properties.isEmpty && properties;
    }, 'the event has lapsed');
    expect(await client.getPartitionProperties(partitionId)).toMatchObject({
      beginningSequenceNumber: 1,
      lastEnqueuedSequenceNumber: 0,
      isEmpty: true,
    });
    const resumed = readers.follow(readers.client(), { partitionId, startPosition: { offset: lastEnqueuedOffset } });
    const first = readers.follow(readers.client(), {
      partitionId,
      startPosition: { sequenceNumber: 0, isInclusive: true },
    });
    await until(
      () =>
        hub.log.filter(({ msg, address }) => msg === 'Link opened' && String(address).includes('/Partitions/'))
          .length === 2,
      'both links',
    );
    await send('"new"');
    await until(() => resumed.events.length === 1 && first.events.length === 1, 'the new event');
    for (const { events } of [resumed, first]) expect(events[0]).toMatchObject({ body: 'new', sequenceNumber: 1 });
    await readers.close();
    await hub.close();
  });

  it.each([0, 8, 1.5])('is not of %s days', async (retentionDays) => {
    await expect(startTestIotHub({ retentionDays })).rejects.toThrow(/1 to 7 whole days/);
  });
});

describe('partitions of the built-in endpoint', () => {
  it('are as many as the hub is made with', async () => {
    const hub = await startTestIotHub({ partitionCount: 2 });
    const readers = new EventHubReaders(hub);
    expect(await readers.client().getPartitionIds()).toEqual(['0', '1']);
    await readers.close();
    await hub.close();
    await expect(startTestIotHub({ partitionCount: 33 })).rejects.toThrow(/2 to 32/);
    await expect(startTestIotHub({ consumerGroups: ['a b'] })).rejects.toThrow(/consumer group/);
  });
});

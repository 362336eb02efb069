import { earliestEventPosition } from '@azure/event-hubs';
import { Message } from 'azure-iot-device';
import { bodyText, EventHubReaders, type Followed } from '../support/event-hub.js';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { until } from '../support/until.js';

/** What readers of one partition and consumer group do to each other. */
describe('readers of a partition through @azure/event-hubs', () => {
  let hub: TestIotHub;
  let readers: EventHubReaders;
  let partitionId: string;

  beforeEach(async () => {
    hub = await startTestIotHub({ consumerGroups: ['other'] });
    readers = new EventHubReaders(hub);
    const device = await hub.device((await hub.addDevice('d1')).connectionString);
    await device.open();
    await device.sendEvent(new Message('a'));
    partitionId = await readers.partitionInUse();
  });
  afterEach(async () => {
    await readers.close();
    await hub.close();
  });

  const follow = (ownerLevel?: number, group = '$Default'): Followed =>
    readers.follow(readers.client({ group }), {
      partitionId,
      startPosition: earliestEventPosition,
      ...(ownerLevel !== undefined && { ownerLevel }),
    });
  const reading = async (ownerLevel?: number, group?: string): Promise<Followed> => {
    const followed = follow(ownerLevel, group);
    await until(() => followed.events.length === 1, 'the event');
    return followed;
  };
  const codeOf = (cause: Error | undefined) => (cause as { code?: string } | undefined)?.code;

  it.each([
    ['the same', 1],
    ['a higher', 2],
  ])('a reader of %s level takes the partition over', async (_, level) => {
    const old = await reading(1);
    await reading(level);
    const error = await until(() => old.errors[0], 'the end of the old reader');
    expect(codeOf(error)).toBe('ReceiverDisconnectedError');
    expect(error.message).toContain(`higher epoch of '${level}'`);
  });

  it('a reader of a lower level is refused while a higher one reads', async () => {
    const owner = await reading(5);
    const error = await refused(4);
    expect(codeOf(error)).toBe('ReceiverDisconnectedError');
    expect(error.message).toContain("with a higher epoch '5' already exists");
    expect(owner.errors).toEqual([]);
    await owner.subscription.close();
    await reading(4);
  });

  it('a reader without level is refused while one with a level reads, and has to go when one comes', async () => {
    const shared = await reading();
    await reading(1);
    const gone = await until(() => shared.errors[0], 'the end of the shared reader');
    expect(codeOf(gone)).toBe('ReceiverDisconnectedError');
    const error = await refused();
    expect(codeOf(error)).toBe('ReceiverDisconnectedError');
    expect(error.message).toContain('non-epoch receiver is not allowed');
    // Another group is another matter.
    await reading(undefined, 'other');
  });

  it('five readers share a partition, the sixth is refused', async () => {
    const shared = await Promise.all([reading(), reading(), reading(), reading(), reading()]);
    const error = await refused();
    expect(codeOf(error)).toBe('QuotaExceededError');
    await shared[0].subscription.close();
    const sixth = await reading();
    expect(sixth.events.map(bodyText)).toEqual(['a']);
  });

  /** Why a further reader does not get the partition. */
  async function refused(ownerLevel?: number): Promise<Error> {
    const followed = follow(ownerLevel);
    const error = await until(() => followed.errors[0], 'the refusal');
    expect(followed.events).toEqual([]);
    return error;
  }
});

import { aLoggedMessage } from '../../../test-support/log-messages.js';
import { aHub, START_MS, type TestHub } from '../../../test-support/test-hub.js';
import type { HubError } from '../errors/hub-errors.js';
import { appendToLog } from '../messages/message-log.js';
import { deleteExpiredMessages } from '../messages/message-retention.js';
import { partitionOf } from '../messages/partition.js';
import type { EventPosition } from './event-position.js';
import { openEventReader, type EventReader, type EventReaderInput } from './open-event-reader.js';

const PARTITION = partitionOf('d1', 4);
const PAGE = { events: 100, sizeBytes: 2 ** 20 };

describe(openEventReader.name, () => {
  let hub: TestHub;
  let woken: number;

  beforeEach(() => {
    hub = aHub();
    woken = 0;
  });
  afterEach(() => {
    hub.store.close();
  });

  const append = (text: string, deviceId = 'd1') =>
    hub.store.writeOne(() => {
      appendToLog(hub, aLoggedMessage({ deviceId, body: Buffer.from(text), enqueuedMs: hub.clock.nowMs() }));
    });
  const open = (position: EventPosition, input: Partial<EventReaderInput> = {}): EventReader =>
    openEventReader(hub, {
      consumerGroup: '$Default',
      partitionId: String(PARTITION),
      position,
      name: 'reader',
      onEvents: () => (woken += 1),
      evict: () => undefined,
      ...input,
    });
  const texts = (reader: EventReader, limit = PAGE): string[] =>
    reader.read(limit).map(({ body }) => Buffer.from(body).toString());
  const refusal = (task: () => unknown): HubError => {
    try {
      task();
    } catch (cause) {
      return cause as HubError;
    }
    throw new Error('It was not refused.');
  };

  describe('with events of other devices between them, one a second', () => {
    const other = Array.from({ length: 99 }, (_, index) => `d${index}`).find((id) => partitionOf(id, 4) !== PARTITION);
    let offsets: number[];

    beforeEach(async () => {
      for (const text of ['a', 'b', 'c', 'd']) {
        await append(text);
        await append('of another partition', other);
        hub.clock.advance(1000);
      }
      offsets = open({ kind: 'earliest' })
        .read(PAGE)
        .map(({ offset }) => offset);
    });

    it('numbers them by partition, with offsets that are not the numbers', () => {
      const events = open({ kind: 'earliest' }).read(PAGE);
      expect(events.map(({ sequenceNumber }) => sequenceNumber)).toEqual([0, 1, 2, 3]);
      expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
      expect(new Set(offsets).size).toBe(4);
      expect(offsets).not.toEqual([0, 1, 2, 3]);
    });

    it.each<[string, EventPosition, string[]]>([
      ['earliest', { kind: 'earliest' }, ['a', 'b', 'c', 'd']],
      ['latest', { kind: 'latest' }, []],
      ['after a number', { kind: 'sequenceNumber', value: 1, isInclusive: false }, ['c', 'd']],
      ['from a number', { kind: 'sequenceNumber', value: 1, isInclusive: true }, ['b', 'c', 'd']],
      ['after the last number', { kind: 'sequenceNumber', value: 3, isInclusive: false }, []],
      ['after a time', { kind: 'enqueuedTime', value: START_MS + 1000, isInclusive: false }, ['c', 'd']],
      ['from a time', { kind: 'enqueuedTime', value: START_MS + 1000, isInclusive: true }, ['b', 'c', 'd']],
      ['between times', { kind: 'enqueuedTime', value: START_MS + 1500, isInclusive: false }, ['c', 'd']],
      ['before all times', { kind: 'enqueuedTime', value: 0, isInclusive: false }, ['a', 'b', 'c', 'd']],
      ['after all times', { kind: 'enqueuedTime', value: START_MS + 1e9, isInclusive: true }, []],
    ])('reads from a position: %s', (_, position, expected) => {
      expect(texts(open(position))).toEqual(expected);
    });

    it('reads from an offset', () => {
      const value = offsets[1] ?? 0;
      expect(texts(open({ kind: 'offset', value, isInclusive: false }))).toEqual(['c', 'd']);
      expect(texts(open({ kind: 'offset', value, isInclusive: true }))).toEqual(['b', 'c', 'd']);
      expect(texts(open({ kind: 'offset', value: offsets[3] ?? 0, isInclusive: false }))).toEqual([]);
    });

    it.each(['offset', 'sequenceNumber'] as const)('refuses an %s that no event has had yet', (kind) => {
      const error = refusal(() => open({ kind, value: 1000, isInclusive: false }));
      expect(error).toMatchObject({ condition: 'com.microsoft:argument-error' });
      expect(error.message).toContain("'1000' is invalid");
    });

    it('begins at the oldest event kept, and skips what goes while it reads', async () => {
      const slow = open({ kind: 'earliest' });
      expect(texts(slow, { ...PAGE, events: 1 })).toEqual(['a']);
      await deleteExpiredMessages(hub, 1500);
      expect(texts(open({ kind: 'sequenceNumber', value: 0, isInclusive: true }))).toEqual(['d']);
      expect(texts(open({ kind: 'offset', value: offsets[0] ?? 0, isInclusive: true }))).toEqual(['d']);
      expect(texts(slow)).toEqual(['d']);
    });

    it('reads pages of limited length and size', () => {
      const reader = open({ kind: 'earliest' });
      expect(texts(reader, { events: 2, sizeBytes: 2 ** 20 })).toEqual(['a', 'b']);
      expect(texts(reader, { events: 2, sizeBytes: 1 })).toEqual(['c']);
      expect(texts(reader)).toEqual(['d']);
      expect(texts(reader)).toEqual([]);
    });

    it('goes on counting after all events are gone', async () => {
      hub.clock.advance(10_000);
      await deleteExpiredMessages(hub, 1);
      const reader = open({ kind: 'earliest' });
      expect(texts(reader)).toEqual([]);
      expect(reader.lastEnqueued()).toEqual({
        sequenceNumber: 3,
        offset: offsets[3],
        enqueuedMs: START_MS + 3000,
      });
      await append('e');
      expect(reader.read(PAGE)).toMatchObject([{ sequenceNumber: 4 }]);
    });
  });

  it('sees events only when they are committed, and is woken then', async () => {
    const reader = open({ kind: 'latest' });
    const appended = append('a');
    expect([texts(reader), woken]).toEqual([[], 0]);
    await appended;
    expect([texts(reader), woken]).toEqual([['a'], 1]);
    reader.close();
    await append('b');
    expect(woken).toBe(1);
  });

  it('never sees what a failed write appended', async () => {
    const reader = open({ kind: 'latest' });
    const failed = hub.store.write(() => {
      appendToLog(hub, aLoggedMessage({ body: Buffer.from('lost') }));
      throw new Error('The write fails.');
    });
    await expect(failed).rejects.toThrow('The write fails.');
    await append('kept');
    expect(reader.read(PAGE)).toMatchObject([{ sequenceNumber: 0, body: Buffer.from('kept') }]);
  });

  it('refuses a consumer group and a partition that there are not, by name', () => {
    const group = refusal(() => open({ kind: 'latest' }, { consumerGroup: 'nobody' }));
    expect(group).toMatchObject({ condition: 'amqp:not-found' });
    expect(group.message).toContain('nobody');
    for (const partitionId of ['4', '-1', '01x', '']) {
      expect(refusal(() => open({ kind: 'latest' }, { partitionId }))).toMatchObject({
        condition: 'com.microsoft:argument-out-of-range',
      });
    }
    expect(texts(open({ kind: 'latest' }, { consumerGroup: '$default' }))).toEqual([]);
  });
});

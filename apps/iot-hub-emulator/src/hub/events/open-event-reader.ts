import { HubError } from '../errors/hub-errors.js';
import type { Hub } from '../hub.js';
import { partitionNumber } from './event-hub-properties.js';
import type { EventPosition } from './event-position.js';
import type { LastEnqueued } from '../messages/message-run.js';
import type { PartitionEvent } from './partition-event.js';
import { firstBeyond, firstKeptOf, readStretch, type PageLimit } from './partition-log.js';
import type { ReaderClaim } from './reader-ownership.js';

export interface EventReaderInput extends ReaderClaim {
  readonly consumerGroup: string;
  readonly partitionId: string;
  readonly position: EventPosition;
  /** Called after a commit that brought events, also while there are others to read still. */
  readonly onEvents: () => void;
}

/** Reads one partition onwards. */
export interface EventReader {
  /** The next committed events, none if there are none yet. */
  read(limit: PageLimit): PartitionEvent[];
  /** The newest event of the partition, read or not. */
  lastEnqueued(): LastEnqueued;
  /** Calling it again does nothing more. */
  close(): void;
}

/**
 * Begins to read a partition for a consumer group.
 *
 * @throws {@link HubError} `MessagingEntityNotFound` for a group that there is not, `ArgumentOutOfRange` for a partition
 *   that there is not, `ArgumentInvalid` for an offset or sequence number that no event has had yet, and as
 *   {@link ReaderOwnership.claim}.
 */
export function openEventReader(hub: Hub, input: EventReaderInput): EventReader {
  const { events, store } = hub;
  const group = events.consumerGroups.find(input.consumerGroup);
  const partition = partitionNumber(hub, input.partitionId);
  let next = startOf(hub, partition, input.position);
  const giveUp = events.ownership.claim(group, partition, input);
  const forget = events.onEvents(partition, input.onEvents);
  let isOpen = true;
  hub.metrics.eventReaders.inc();
  return {
    read(limit) {
      const last = events.lastEnqueued(partition).sequenceNumber;
      if (next > last) return [];
      const page = readStretch(store, { partitionId: partition, first: next, last }, limit);
      // Without any, retention has taken all of them.
      next = (page.at(-1)?.sequenceNumber ?? last) + 1;
      if (page.length > 0) hub.metrics.eventsRead.addMany(page.length);
      return page;
    },
    lastEnqueued: () => events.lastEnqueued(partition),
    close() {
      if (isOpen) hub.metrics.eventReaders.dec();
      isOpen = false;
      forget();
      giveUp();
    },
  };
}

/** The sequence number of the first event to read. */
function startOf(hub: Hub, partitionId: number, position: EventPosition): number {
  const { sequenceNumber: last, offset: lastOffset } = hub.events.lastEnqueued(partitionId);
  if (position.kind === 'latest') return last + 1;
  const first = firstKeptOf(hub.store, partitionId) ?? last + 1;
  if (position.kind === 'earliest') return first;
  const { value, isInclusive } = position;
  const isBeyond = (found: number): boolean => (isInclusive ? found >= value : found > value);
  const stretch = { partitionId, first, last };
  switch (position.kind) {
    case 'sequenceNumber':
      if (value > last) throw beyondTheEnd('sequence number', value, last);
      return Math.max(first, isInclusive ? value : value + 1);
    case 'offset':
      if (value > lastOffset) throw beyondTheEnd('offset', value, lastOffset);
      return firstBeyond(hub.store, stretch, ({ offset }) => isBeyond(offset));
    case 'enqueuedTime':
      return firstBeyond(hub.store, stretch, ({ enqueuedMs }) => isBeyond(enqueuedMs));
  }
}

/** As Event Hubs refuses a checkpoint of another event hub, or of one that was deleted and made again. */
function beyondTheEnd(what: string, value: number, last: number): HubError {
  return new HubError(
    'ArgumentInvalid',
    `The supplied ${what} '${value}' is invalid. The last ${what} in the system is '${last}'.`,
  );
}

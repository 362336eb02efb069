import type { Store } from '../../storage/store.js';
import { enriched } from '../messages/enriched-properties.js';
import { BUILT_IN, type EventRun, eventsOf, type LastEnqueued, lastEventOf } from '../messages/message-run.js';
import { messageSizeBytes } from '../messages/message-size.js';
import { NEVER_MS, type PartitionEvent } from './partition-event.js';

/** A stretch of a partition's events, both ends included. */
interface Stretch {
  readonly partitionId: number;
  readonly first: number;
  readonly last: number;
}

/** How much to read at once. */
export interface PageLimit {
  readonly events: number;
  /** Of bodies and properties; the event that passes it is the page's last. */
  readonly sizeBytes: number;
}

/** The newest event of a partition; of a partition whose events are all deleted, the one that was deleted last. */
export function lastEnqueuedOf(store: Store, partitionId: number): LastEnqueued {
  const run = store
    .sql(
      `SELECT last_sequence, messages, last_event, stretches, bodies FROM message_runs
       WHERE partition_id = ? AND last_event IS NOT NULL ORDER BY last_event DESC LIMIT 1`,
    )
    .get(partitionId) as EventRun | undefined;
  if (run !== undefined) return lastEventOf(run);
  const deleted = store
    .sql(
      `SELECT last_deleted AS sequenceNumber, last_deleted_offset AS offset, last_deleted_ms AS enqueuedMs
       FROM event_partitions WHERE partition_id = ?`,
    )
    .get(partitionId) as LastEnqueued | undefined;
  return deleted ?? { sequenceNumber: -1, offset: -1, enqueuedMs: NEVER_MS };
}

/** The sequence number of the oldest event kept; undefined when there is none. */
export function firstKeptOf(store: Store, partitionId: number): number | undefined {
  return eventsFrom(store, partitionId, 0)[0]?.sequenceNumber;
}

/**
 * The sequence number of the first event of a stretch whose offset or time is beyond a value; one past the last when none
 * is. Both rise with the sequence number, which has no gaps: so a few probes find it among any number of events.
 */
export function firstBeyond(
  store: Store,
  { partitionId, first, last }: Stretch,
  isBeyond: (event: { readonly offset: number; readonly enqueuedMs: number }) => boolean,
): number {
  let low = first;
  let high = last + 1;
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2);
    const [event] = eventsFrom(store, partitionId, middle);
    if (event !== undefined && isBeyond({ offset: event.offset, enqueuedMs: event.message.enqueuedMs })) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The events of a stretch in order, from its first one that is still kept, as many as the limit allows; at least one if there is any. */
export function readStretch(store: Store, { partitionId, first, last }: Stretch, limit: PageLimit): PartitionEvent[] {
  const page: PartitionEvent[] = [];
  let sizeBytes = 0;
  for (let next = first; ; next = (page.at(-1)?.sequenceNumber ?? next) + 1) {
    const events = eventsFrom(store, partitionId, next);
    if (events.length === 0) return page;
    for (const { sequenceNumber, offset, message, stamped } of events) {
      if (sequenceNumber > last) return page;
      const event = { ...enriched(message, stamped, BUILT_IN), sequenceNumber, offset };
      page.push(event);
      sizeBytes += messageSizeBytes(event);
      if (page.length >= limit.events || sizeBytes >= limit.sizeBytes) return page;
    }
  }
}

/** The events from a sequence number on which stand in the same run as the first of them; none after the last. */
function eventsFrom(store: Store, partitionId: number, first: number): ReturnType<typeof eventsOf> {
  const run = store
    .sql(
      `SELECT last_sequence, messages, last_event, stretches, bodies FROM message_runs
       WHERE partition_id = ? AND last_event >= ? ORDER BY last_event LIMIT 1`,
    )
    .get(partitionId, first) as EventRun | undefined;
  return run === undefined ? [] : eventsOf(run).filter(({ sequenceNumber }) => sequenceNumber >= first);
}

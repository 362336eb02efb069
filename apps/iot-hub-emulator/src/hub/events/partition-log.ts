import type { Store } from '../../storage/store.js';
import { BUILT_IN, LOGGED_COLUMNS, type LogRow, messageOfRow } from '../messages/message-log.js';
import { NEVER_MS, type LastEnqueued, type PartitionEvent } from './partition-event.js';

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
  const row = (store
    .sql(
      `SELECT events_sequence, sequence_number, enqueued_ms FROM messages
       WHERE partition_id = ? AND events_sequence IS NOT NULL ORDER BY events_sequence DESC LIMIT 1`,
    )
    .get(partitionId) ??
    store
      .sql(
        `SELECT last_deleted AS events_sequence, last_deleted_offset AS sequence_number, last_deleted_ms AS enqueued_ms
         FROM event_partitions WHERE partition_id = ?`,
      )
      .get(partitionId)) as Pick<EventRow, 'events_sequence' | 'sequence_number' | 'enqueued_ms'> | undefined;
  return row === undefined
    ? { sequenceNumber: -1, offset: -1, enqueuedMs: NEVER_MS }
    : { sequenceNumber: row.events_sequence, offset: row.sequence_number, enqueuedMs: row.enqueued_ms };
}

/** The sequence number of the oldest event kept; undefined when there is none. */
export function firstKeptOf(store: Store, partitionId: number): number | undefined {
  const { first } = store
    .sql('SELECT MIN(events_sequence) AS first FROM messages WHERE partition_id = ? AND events_sequence IS NOT NULL')
    .get(partitionId) as { first: number | null };
  return first ?? undefined;
}

/**
 * The sequence number of the first event whose offset or time is beyond a value; one past the last when none is.
 * Both rise with the sequence number, which has no gaps: so a few probes of the index find it among any number of events.
 */
export function firstBeyond(
  store: Store,
  { partitionId, first, last }: Stretch,
  { column, isBeyond }: { column: 'sequence_number' | 'enqueued_ms'; isBeyond: (value: number) => boolean },
): number {
  const probe = store.sql(`SELECT ${column} AS value FROM messages WHERE partition_id = ? AND events_sequence = ?`);
  let low = first;
  let high = last + 1;
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2);
    const row = probe.get(partitionId, middle) as { value: number } | undefined;
    if (row !== undefined && isBeyond(row.value)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The events of a stretch in order, from its first one that is still kept, as many as the limit allows; at least one if there is any. */
export function readStretch(store: Store, { partitionId, first, last }: Stretch, limit: PageLimit): PartitionEvent[] {
  const rows = store
    .sql(
      `SELECT events_sequence, sequence_number, ${LOGGED_COLUMNS}
       FROM messages WHERE partition_id = ? AND events_sequence BETWEEN ? AND ? ORDER BY events_sequence LIMIT ?`,
    )
    .iterate(partitionId, first, last, limit.events) as unknown as Iterable<EventRow>;
  const events: PartitionEvent[] = [];
  let sizeBytes = 0;
  for (const row of rows) {
    events.push(toEvent(row));
    sizeBytes += row.body.byteLength + row.properties.length + row.system_properties.length;
    if (sizeBytes >= limit.sizeBytes) break;
  }
  return events;
}

interface EventRow extends LogRow {
  events_sequence: number;
}

const toEvent = (row: EventRow): PartitionEvent => ({
  sequenceNumber: row.events_sequence,
  offset: row.sequence_number,
  ...messageOfRow(row, BUILT_IN),
});

import type { Store } from '../../storage/store.js';

/** The last number given in each partition, as long as nothing has been undone since. */
interface Numbers {
  readonly rollbacks: number;
  readonly last: Map<number, number>;
}

const known = new WeakMap<Store, Numbers>();

const LAST = `SELECT COALESCE(
  (SELECT MAX(events_sequence) FROM messages WHERE partition_id = ?1 AND events_sequence IS NOT NULL),
  (SELECT last_deleted FROM event_partitions WHERE partition_id = ?1), -1) AS last`;

/**
 * The number of a partition's next event: rising by one without gaps, also across restarts. For use within the write that
 * appends the event. It is kept in memory, for looking it up takes a good part of what appending takes.
 */
export function nextEventNumber(store: Store, partitionId: number): number {
  let numbers = known.get(store);
  if (numbers?.rollbacks !== store.rollbacks) {
    numbers = { rollbacks: store.rollbacks, last: new Map() };
    known.set(store, numbers);
  }
  const last = numbers.last.get(partitionId) ?? (store.sql(LAST).get(partitionId) as { last: number }).last;
  numbers.last.set(partitionId, last + 1);
  return last + 1;
}

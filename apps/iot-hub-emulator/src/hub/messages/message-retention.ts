import type { Hub } from '../hub.js';

/** Rows deleted in one go: a few milliseconds' work, so that nobody waits for it. */
const ROWS_AT_ONCE = 2000;
const CHECK_INTERVAL_MS = 10_000;

/** What may wait for endpoints that are down, as size of the whole database. Beyond it, expired messages go all the same. */
const MAX_BACKLOG_BYTES = 1024 ** 3;

/** Sequence numbers rise with time, so that this looks at the oldest rows alone. */
const EXPIRED = `sequence_number IN (SELECT sequence_number FROM messages ORDER BY sequence_number LIMIT ?1)
  AND enqueued_ms < ?2 AND sequence_number <= ?3`;

/**
 * Deletes messages older than the retention time, a little at a time; not those that an endpoint still waits for, unless
 * there are too many of them.
 *
 * @returns how many it deleted.
 */
export async function deleteExpiredMessages(
  hub: Hub,
  retentionMs: number,
  maxBacklogBytes = MAX_BACKLOG_BYTES,
): Promise<number> {
  let deleted = 0;
  await hub.store.writeOne(() => {
    const { waitingAfter } = hub.routing;
    const overfull = waitingAfter !== undefined && hub.store.usedBytes() > maxBacklogBytes;
    const last = waitingAfter === undefined || overfull ? Number.MAX_SAFE_INTEGER : waitingAfter;
    const bounds = [ROWS_AT_ONCE, hub.clock.nowMs() - retentionMs, last];
    // A partition whose messages are all gone goes on counting where it was, and knows its last one.
    hub.store
      .sql(
        `INSERT INTO event_partitions (partition_id, last_deleted, last_deleted_offset, last_deleted_ms)
           SELECT partition_id, MAX(events_sequence), MAX(sequence_number), MAX(enqueued_ms) FROM messages WHERE events_sequence IS NOT NULL AND ${EXPIRED}
           GROUP BY partition_id
         ON CONFLICT DO UPDATE SET last_deleted = excluded.last_deleted,
           last_deleted_offset = excluded.last_deleted_offset, last_deleted_ms = excluded.last_deleted_ms`,
      )
      .run(...bounds);
    const { changes } = hub.store.sql(`DELETE FROM messages WHERE ${EXPIRED}`).run(...bounds);
    deleted = Number(changes);
    if (overfull && deleted > 0) hub.routing.truncated();
  });
  return deleted;
}

/** Keeps deleting expired messages until the returned function is called. */
export function keepRetention(hub: Hub, retentionMs: number): () => void {
  let cancel: () => void = () => undefined;
  let stopped = false;
  const schedule = (delayMs: number) => {
    if (!stopped) cancel = hub.clock.after(delayMs, check);
  };
  const check = () => {
    deleteAndSettle(hub, retentionMs).then(
      (deleted) => {
        schedule(deleted === ROWS_AT_ONCE ? 0 : CHECK_INTERVAL_MS);
      },
      (cause: unknown) => {
        hub.logger.error({ err: cause }, 'Expired messages could not be deleted');
        schedule(CHECK_INTERVAL_MS);
      },
    );
  };
  schedule(CHECK_INTERVAL_MS);
  return () => {
    stopped = true;
    cancel();
  };
}

async function deleteAndSettle(hub: Hub, retentionMs: number): Promise<number> {
  const deleted = await deleteExpiredMessages(hub, retentionMs);
  await hub.routing.settle();
  return deleted;
}

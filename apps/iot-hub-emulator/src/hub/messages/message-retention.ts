import type { Hub } from '../hub.js';
import { type EventRun, type LastEnqueued, lastEventOf } from './message-run.js';

/** Runs deleted in one go: a few milliseconds' work, so that nobody waits for it. */
const RUNS_AT_ONCE = 100;
const CHECK_INTERVAL_MS = 10_000;

/** What may wait for endpoints that are down, as size of the whole database. Beyond it, expired messages go all the same. */
const MAX_BACKLOG_BYTES = 1024 ** 3;

/** Sequence numbers rise with time, so that this looks at the oldest runs alone. */
const EXPIRED = `last_sequence IN (SELECT last_sequence FROM message_runs ORDER BY last_sequence LIMIT ?1)
  AND last_enqueued_ms < ?2 AND last_sequence <= ?3`;

/**
 * Deletes messages older than the retention time, a little at a time; not those that an endpoint still waits for, unless
 * there are too many of them.
 *
 * @returns how many it deleted, and whether there may be more.
 */
export async function deleteExpiredMessages(
  hub: Hub,
  retentionMs: number,
  maxBacklogBytes = MAX_BACKLOG_BYTES,
): Promise<{ messages: number; isUnfinished: boolean }> {
  return await hub.store.write(() => {
    const { waitingAfter } = hub.routing;
    const overfull = waitingAfter !== undefined && hub.store.usedBytes() > maxBacklogBytes;
    const last = waitingAfter === undefined || overfull ? Number.MAX_SAFE_INTEGER : waitingAfter;
    const bounds = [RUNS_AT_ONCE, hub.clock.nowMs() - retentionMs, last];
    const lastRuns = hub.store
      .sql(
        `SELECT partition_id, MAX(last_event) AS last_event, last_sequence, messages, stretches, bodies
         FROM message_runs WHERE last_event IS NOT NULL AND ${EXPIRED} GROUP BY partition_id`,
      )
      .all(...bounds) as unknown as (EventRun & { partition_id: number })[];
    for (const run of lastRuns) rememberDeleted(hub, run.partition_id, lastEventOf(run));
    const deleted = hub.store
      .sql(`DELETE FROM message_runs WHERE ${EXPIRED} RETURNING messages`)
      .all(...bounds) as unknown as { messages: number }[];
    if (overfull && deleted.length > 0) {
      // Also when it is not committed: deliveries have read a log without these messages meanwhile.
      hub.store.afterTransaction(() => {
        hub.routing.truncated();
      });
    }
    return {
      messages: deleted.reduce((sum, run) => sum + run.messages, 0),
      isUnfinished: deleted.length === RUNS_AT_ONCE,
    };
  });
}

/** A partition whose messages are all gone goes on counting where it was, and knows its last one. */
function rememberDeleted({ store }: Hub, partitionId: number, last: LastEnqueued): void {
  store
    .sql(
      `INSERT OR REPLACE INTO event_partitions (partition_id, last_deleted, last_deleted_offset, last_deleted_ms)
       VALUES (?, ?, ?, ?)`,
    )
    .run(partitionId, last.sequenceNumber, last.offset, last.enqueuedMs);
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
      (isUnfinished) => {
        schedule(isUnfinished ? 0 : CHECK_INTERVAL_MS);
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

/** @returns whether there may be more to delete. */
async function deleteAndSettle(hub: Hub, retentionMs: number): Promise<boolean> {
  const { isUnfinished } = await deleteExpiredMessages(hub, retentionMs);
  hub.routing.settle();
  return isUnfinished;
}

import type { Hub } from '../hub.js';

/** Rows deleted in one go: a few milliseconds' work, so that nobody waits for it. */
const ROWS_AT_ONCE = 2000;
const CHECK_INTERVAL_MS = 10_000;

/** Deletes messages older than the retention time, a little at a time. @returns how many it deleted. */
export async function deleteExpiredMessages(hub: Hub, retentionMs: number): Promise<number> {
  let deleted = 0;
  await hub.store.writeOne(() => {
    // Sequence numbers rise with time, so this looks at expired rows alone.
    const { changes } = hub.store
      .sql(
        `DELETE FROM messages WHERE sequence_number IN
           (SELECT sequence_number FROM messages ORDER BY sequence_number LIMIT ?) AND enqueued_ms < ?`,
      )
      .run(ROWS_AT_ONCE, hub.clock.nowMs() - retentionMs);
    deleted = Number(changes);
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
    deleteExpiredMessages(hub, retentionMs).then(
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

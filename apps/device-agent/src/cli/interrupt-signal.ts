/** A command that does not heed the signal is ended after this. */
const GRACE_MS = 9_000;

/** Fires at the first Ctrl-C; a second one ends the process at once. */
export function interruptSignal(): AbortSignal {
  const interrupted = new AbortController();
  process.once('SIGINT', () => {
    interrupted.abort();
    setTimeout(() => process.exit(130), GRACE_MS).unref();
    process.once('SIGINT', () => process.exit(130));
  });
  return interrupted.signal;
}

import { failureText } from './failure-text.js';

/**
 * Runs `close` once when the process is asked to stop (SIGINT or SIGTERM), then exits: 130 after SIGINT, else 0;
 * 1 when `close` fails or takes longer than `timeoutMs`.
 */
export function closeOnSignal(close: () => Promise<void>, { timeoutMs = 8_000 } = {}): void {
  let closing = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (closing) return;
    closing = true;
    setTimeout(() => process.exit(1), timeoutMs).unref();
    close().then(
      () => process.exit(signal === 'SIGINT' ? 130 : 0),
      (error: unknown) => {
        console.error(failureText(error));
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
}

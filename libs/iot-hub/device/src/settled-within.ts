import { AppError } from '#libs/runtime';

interface TimeLimit {
  timeoutMs: number;
  /** Names the work in the error. */
  what: string;
  signal?: AbortSignal;
}

/**
 * Runs work that has no limit of its own, and stops waiting for it after `timeoutMs` or when `signal` fires. What it
 * started goes on: the caller ends it.
 *
 * @throws {@link AppError} `DEVICE.TIMEOUT`; the signal's reason
 */
export function settledWithin<Result>(
  { timeoutMs, what, signal }: TimeLimit,
  work: () => Promise<Result>,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      reject(signal?.reason as Error);
    };
    if (signal?.aborted) {
      onAbort();
      return;
    }
    const timer = setTimeout(() => {
      reject(new AppError('DEVICE.TIMEOUT', `${what} took longer than ${timeoutMs} ms.`));
    }, timeoutMs);
    signal?.addEventListener('abort', onAbort, { once: true });
    work()
      .then(resolve, reject)
      .finally(() => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      });
  });
}

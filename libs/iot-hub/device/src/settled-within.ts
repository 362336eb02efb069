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
export async function settledWithin<Result>(
  { timeoutMs, what, signal }: TimeLimit,
  work: () => Promise<Result>,
): Promise<Result> {
  signal?.throwIfAborted();
  const stopped = Promise.withResolvers<never>();
  const onAbort = (): void => {
    stopped.reject(signal?.reason as Error);
  };
  const timer = setTimeout(() => {
    stopped.reject(new AppError('DEVICE.TIMEOUT', `${what} took longer than ${timeoutMs} ms.`));
  }, timeoutMs);
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work(), stopped.promise]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

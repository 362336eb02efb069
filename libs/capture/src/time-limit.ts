import { AppError } from '#libs/runtime';

/** How long to wait for something, and what to say when it took longer. */
export interface TimeLimit {
  timeoutMs: number;
  signal: AbortSignal;
  /** Completes the sentence "The camera … in time.". */
  what: string;
}

/**
 * Waits for `task`, but no longer than the limit. A task that cannot be stopped goes on; `late` receives its result.
 *
 * @throws {@link AppError} `CAPTURE.TIMEOUT` or `CAPTURE.ABORTED`.
 */
export async function within<Result>(
  task: Promise<Result>,
  { timeoutMs, signal, what }: TimeLimit,
  late: (result: Result) => void = () => undefined,
): Promise<Result> {
  const { promise: given, reject } = Promise.withResolvers<never>();
  const abort = (): void => {
    reject(aborted(signal));
  };
  const timer = setTimeout(() => {
    reject(
      new AppError('CAPTURE.TIMEOUT', `The source ${what} in time.`, {
        hint: 'Check that the camera is plugged in, switched on and reachable from the device.',
        details: { timeoutMs },
      }),
    );
  }, timeoutMs);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  let done = false;
  try {
    const result = await Promise.race([task, given]);
    done = true;
    return result;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
    if (!done) task.then(late, () => undefined);
  }
}

/** What a caller gets whose signal was aborted. */
export function aborted(signal: AbortSignal): AppError {
  return new AppError('CAPTURE.ABORTED', 'The capture was aborted.', { cause: signal.reason });
}

import { storageError, translateStorageError } from './storage-errors.js';

export interface StallGuardOptions {
  /** The longest time without progress. */
  timeoutMs: number;
  /** The caller's own signal. */
  signal?: AbortSignal | undefined;
}

/**
 * Runs one request to the storage, which fails when nothing happens for `timeoutMs`: call `touch` at each progress.
 *
 * @throws {@link AppError} of `BlobStorageErrorCode`; an `AbortError` when the caller's signal fired.
 */
export async function guardedAgainstStall<Result>(
  { timeoutMs, signal }: StallGuardOptions,
  request: (abortSignal: AbortSignal, touch: () => void) => Promise<Result>,
): Promise<Result> {
  signal?.throwIfAborted();
  const stalled = new AbortController();
  const timer = setTimeout(() => {
    stalled.abort();
  }, timeoutMs);
  try {
    return await request(signal ? AbortSignal.any([signal, stalled.signal]) : stalled.signal, () => timer.refresh());
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw stalled.signal.aborted
      ? storageError('BLOB_STORAGE.TIMEOUT', { cause: error })
      : translateStorageError(error);
  } finally {
    clearTimeout(timer);
  }
}

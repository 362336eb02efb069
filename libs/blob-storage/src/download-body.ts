import { type Readable } from 'node:stream';
import { storageError } from './storage-errors.js';

const CHECKS_PER_TIMEOUT = 3;

/**
 * Watches the body of a download: when its reader waits, and no byte has come for `timeoutMs`, it fails with
 * `BLOB_STORAGE.TIMEOUT`. A reader that takes its time is not hurried.
 */
export function downloadBody(
  body: Readable,
  { timeoutMs, receivedBytes }: { timeoutMs: number; receivedBytes: () => number },
): Readable {
  let seenBytes = -1;
  let quietChecks = 0;
  const watch = setInterval(() => {
    const bytes = receivedBytes();
    const readerWaits = body.readableFlowing === true && body.readableLength === 0;
    quietChecks = readerWaits && bytes === seenBytes ? quietChecks + 1 : 0;
    seenBytes = bytes;
    if (quietChecks >= CHECKS_PER_TIMEOUT) body.destroy(storageError('BLOB_STORAGE.TIMEOUT'));
  }, timeoutMs / CHECKS_PER_TIMEOUT);
  watch.unref();
  body.once('close', () => {
    clearInterval(watch);
  });
  return body;
}

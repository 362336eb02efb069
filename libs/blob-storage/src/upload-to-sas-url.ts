import type { Readable } from 'node:stream';
import { StagedBlob, type StoredBlob } from './staged-blob.js';
import { storageError } from './storage-errors.js';

/** Long, for a device may have a slow uplink with large buffers. */
const DEFAULT_STALL_TIMEOUT_MS = 60_000;

export interface SasUploadOptions {
  contentType: string;
  /** Gives up; nothing is stored then. */
  signal?: AbortSignal | undefined;
  /** Called with the number of bytes handed to the network so far. */
  onProgress?: ((sentBytes: number) => void) | undefined;
  /** Fails when the network takes no byte for so long; a minute by default. */
  stallTimeoutMs?: number | undefined;
}

/**
 * Stores a stream as the blob that a SAS URL names, in place of what is there, with at most 8 MiB in memory.
 * The blob appears whole at the end or not at all.
 *
 * @throws {@link AppError} of `BlobStorageErrorCode` (never naming the URL, which is a secret); the stream's own error;
 * an `AbortError` when `signal` fired.
 */
export async function uploadToSasUrl(
  url: string,
  source: Readable,
  { contentType, signal, onProgress, stallTimeoutMs = DEFAULT_STALL_TIMEOUT_MS }: SasUploadOptions,
): Promise<StoredBlob> {
  if (!URL.canParse(url)) throw storageError('BLOB_STORAGE.NOT_CONFIGURED');
  const { blobClientOfSasUrl } = await import('./sdk-clients.js');
  const staged = await StagedBlob.stage(blobClientOfSasUrl(url), source, { signal, onProgress, stallTimeoutMs });
  return staged.commit({ contentType });
}

import { randomUUID } from 'node:crypto';
import { addAbortSignal, Readable } from 'node:stream';
import type { BlobUploadCommonResponse, BlockBlobClient } from '@azure/storage-blob';
import { AppError } from '#libs/runtime';
import { blocksOf } from './blocks-of.js';
import { guardedAgainstStall } from './stall-guard.js';
import { storageError } from './storage-errors.js';

/** The size of the pieces in which a block is handed to the socket, so that progress can be seen. */
const PIECE_SIZE_BYTES = 64 * 1024;
/** The most blocks a blob may have. */
const MAX_BLOCKS = 50_000;

export interface StageOptions {
  /** Gives up; nothing is stored then. */
  signal?: AbortSignal | undefined;
  /** Called with the number of bytes handed to the network so far. */
  onProgress?: ((sentBytes: number) => void) | undefined;
  /** Fails when the network takes no byte for so long. */
  stallTimeoutMs: number;
}

export interface CommitOptions {
  /** Stored with the blob. */
  contentType: string;
  /** Store only where no blob of that name exists. */
  onlyIfAbsent?: boolean | undefined;
  signal?: AbortSignal | undefined;
}

export interface StoredBlob {
  /** Quoted, as HTTP writes it. */
  etag: string;
  sizeBytes: number;
  lastModified: Date;
}

/**
 * The bytes of a blob, sent to the storage but not yet visible there: {@link StagedBlob.commit} makes them the blob,
 * whole and at once. Without a commit nothing is stored; the storage drops the blocks after a week.
 *
 * @see https://learn.microsoft.com/rest/api/storageservices/put-block
 */
export class StagedBlob {
  // Unique: two uploads of one name must not mix their blocks. All ids of a blob need the same length.
  private readonly uploadId = randomUUID();
  private readonly blockIds: string[] = [];
  /** All bytes, when they fit one block: they travel with the commit. */
  private onlyBlock: Buffer | undefined;
  private receivedBytes = 0;
  private sentBytes = 0;

  private constructor(
    private readonly blob: BlockBlobClient,
    private readonly options: StageOptions,
  ) {}

  /**
   * Sends a stream in blocks, two of 4 MiB at most in memory. The stream is destroyed when that fails.
   *
   * @throws {@link AppError} of `BlobStorageErrorCode`; the stream's own error; an `AbortError` when `signal` fired.
   */
  static async stage(blob: BlockBlobClient, source: Readable, options: StageOptions): Promise<StagedBlob> {
    const staged = new StagedBlob(blob, options);
    if (options.signal) addAbortSignal(options.signal, source);
    await staged.receive(source);
    return staged;
  }

  get sizeBytes(): number {
    return this.receivedBytes;
  }

  /**
   * Makes the staged bytes the blob.
   *
   * @throws {@link AppError} `BLOB.ALREADY_EXISTS` when `onlyIfAbsent` and the name is taken, also by someone faster;
   * `BLOB.CHANGED` when another upload of the name was committed meanwhile, which drops the blocks of this one.
   */
  async commit({ contentType, onlyIfAbsent, signal = this.options.signal }: CommitOptions): Promise<StoredBlob> {
    // A single write would do too, but Azurite takes blocks that an aborted upload left for a blob, and refuses it.
    if (onlyIfAbsent && this.onlyBlock) await this.sendOnlyBlock(this.onlyBlock, signal);
    const { onlyBlock } = this;
    const headers = {
      blobHTTPHeaders: { blobContentType: contentType },
      conditions: onlyIfAbsent ? { ifNoneMatch: '*' } : {},
    };
    const { etag, lastModified } = await this.guarded<BlobUploadCommonResponse>(signal, (abortSignal, touch) =>
      onlyBlock
        ? this.blob.upload(() => this.bodyOf(onlyBlock, touch), onlyBlock.length, { ...headers, abortSignal })
        : this.blob.commitBlockList(this.blockIds, { ...headers, abortSignal }),
    ).catch((error: unknown) => {
      // Whoever committed first has dropped our blocks: for a name that must be free, that is a lost race.
      const lostRace = onlyIfAbsent && error instanceof AppError && error.code === 'BLOB.CHANGED';
      throw lostRace ? storageError('BLOB.ALREADY_EXISTS', { cause: error }) : error;
    });
    if (etag === undefined || lastModified === undefined) throw storageError('BLOB_STORAGE.FAILED');
    return { etag, lastModified, sizeBytes: this.sizeBytes };
  }

  private async receive(source: Readable): Promise<void> {
    const failed = new AbortController();
    const signal = this.options.signal ? AbortSignal.any([this.options.signal, failed.signal]) : failed.signal;
    let onItsWay: Promise<void> = Promise.resolve();
    try {
      for await (const { bytes, isLast } of blocksOf(source)) {
        this.receivedBytes += bytes.length;
        if (isLast && this.blockIds.length === 0) {
          this.onlyBlock = bytes;
          return;
        }
        await onItsWay;
        onItsWay = this.send(bytes, signal);
        // Awaited in the next turn; until then an early failure must not count as unhandled.
        onItsWay.catch(() => undefined);
      }
      await onItsWay;
    } catch (error) {
      source.destroy();
      failed.abort();
      await onItsWay.catch(() => undefined);
      throw error;
    }
  }

  private async sendOnlyBlock(bytes: Buffer, signal: AbortSignal | undefined): Promise<void> {
    if (bytes.length > 0) await this.send(bytes, signal);
    this.onlyBlock = undefined;
  }

  private async send(bytes: Buffer, signal: AbortSignal | undefined): Promise<void> {
    const index = this.blockIds.length;
    if (index >= MAX_BLOCKS) throw storageError('BLOB_STORAGE.FAILED', { details: { max_blocks: MAX_BLOCKS } });
    const id = Buffer.from(`${this.uploadId}-${String(index).padStart(5, '0')}`).toString('base64');
    this.blockIds.push(id);
    await this.guarded(signal, (abortSignal, touch) =>
      this.blob.stageBlock(id, () => this.bodyOf(bytes, touch), bytes.length, { abortSignal }),
    );
  }

  private guarded<Result>(
    signal: AbortSignal | undefined,
    request: (abortSignal: AbortSignal, touch: () => void) => Promise<Result>,
  ): Promise<Result> {
    return guardedAgainstStall({ timeoutMs: this.options.stallTimeoutMs, signal }, request);
  }

  private bodyOf(bytes: Buffer, touch: () => void): Readable {
    return Readable.from(this.piecesOf(bytes, touch), { objectMode: false, highWaterMark: PIECE_SIZE_BYTES });
  }

  private *piecesOf(bytes: Buffer, touch: () => void): Generator<Buffer> {
    for (let start = 0; start < bytes.length; start += PIECE_SIZE_BYTES) {
      const piece = bytes.subarray(start, start + PIECE_SIZE_BYTES);
      touch();
      // A block that is sent again after a failure must not count twice.
      this.sentBytes = Math.min(this.sentBytes + piece.length, this.receivedBytes);
      this.options.onProgress?.(this.sentBytes);
      yield piece;
    }
  }
}

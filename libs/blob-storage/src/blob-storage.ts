import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { BlobDownloadResponseParsed, BlockBlobClient, ContainerClient } from '@azure/storage-blob';
import { assertBlobName } from './blob-name.js';
import { downloadBody } from './download-body.js';
import type { BlobContainer } from './sdk-clients.js';
import { StagedBlob, type CommitOptions, type StageOptions, type StoredBlob } from './staged-blob.js';
import { guardedAgainstStall } from './stall-guard.js';
import { isAbort, storageError, translateStorageError } from './storage-errors.js';

/** The longest time in which the storage must say something. */
const STALL_TIMEOUT_MS = 9_000;
/** How often a broken download is taken up again where it broke. */
const DOWNLOAD_RESUMES = 2;

export interface BlobProperties {
  name: string;
  sizeBytes: number;
  /** As it was stored; `application/octet-stream` when nobody said. */
  contentType: string;
  /** Quoted, as HTTP writes it. */
  etag: string;
  lastModified: Date;
}

export interface BlobPage {
  /** In the order of their names. */
  items: BlobProperties[];
  /** Asks for the next page; absent on the last one. */
  continuationToken?: string;
}

export interface ListBlobsOptions {
  /** Only names that begin so. */
  prefix?: string | undefined;
  /** The most items of this page, up to 5,000. A page may hold fewer although another follows. */
  limit?: number | undefined;
  continuationToken?: string | undefined;
  signal?: AbortSignal | undefined;
}

export interface DownloadOptions {
  /** In bytes; the whole blob when left out. */
  range?: { offset: number; count: number } | undefined;
  /** Fails with `BLOB.CHANGED` when the blob is another by now. */
  ifMatch?: string | undefined;
  signal?: AbortSignal | undefined;
}

export interface ReadOptions {
  maxBytes: number;
  signal?: AbortSignal | undefined;
}

export interface BlobDownload {
  /** Of the whole blob, also when a range was asked for. */
  properties: BlobProperties;
  /** Fails when the storage breaks off, never ends early. Destroy it to close the connection to the storage. */
  body: Readable;
}

export type UploadOptions = Omit<StageOptions, 'stallTimeoutMs'> & CommitOptions;

/**
 * The blobs of one container, through one client that is made on first use. Every call takes bounded time: what
 * cannot be reached, or stays silent, fails within ten seconds.
 *
 * Every method throws an {@link AppError} of `BlobStorageErrorCode`, or an `AbortError` when its `signal` fired.
 */
export class BlobStorage {
  private client: Promise<ContainerClient> | undefined;

  constructor(private readonly container: BlobContainer) {}

  /** False when the settings name no storage. */
  get isConfigured(): boolean {
    return this.container.credentials !== undefined;
  }

  /** Fails when blobs cannot be listed just now; for readiness. */
  async probe(signal?: AbortSignal): Promise<void> {
    await this.list({ limit: 1, signal });
  }

  async list({ prefix, limit, continuationToken, signal }: ListBlobsOptions = {}): Promise<BlobPage> {
    const container = await this.connect();
    return guardedAgainstStall({ timeoutMs: STALL_TIMEOUT_MS, signal }, async (abortSignal) => {
      const pages = container.listBlobsFlat({ ...(prefix !== undefined && { prefix }), abortSignal }).byPage({
        ...(limit !== undefined && { maxPageSize: limit }),
        ...(continuationToken && { continuationToken }),
      });
      const page = (await pages.next()).value as ListedPage | undefined;
      if (!page) return { items: [] };
      return {
        items: page.segment.blobItems.map(({ name, properties }) => propertiesOf(name, properties)),
        ...(page.continuationToken && { continuationToken: page.continuationToken }),
      };
    });
  }

  async head(name: string, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<BlobProperties> {
    const blob = await this.blob(name);
    return guardedAgainstStall({ timeoutMs: STALL_TIMEOUT_MS, signal }, async (abortSignal) =>
      propertiesOf(name, await blob.getProperties({ abortSignal })),
    );
  }

  async download(name: string, { range, ifMatch, signal }: DownloadOptions = {}): Promise<BlobDownload> {
    const blob = await this.blob(name);
    let receivedBytes = 0;
    const response: BlobDownloadResponseParsed = await guardedAgainstStall(
      { timeoutMs: STALL_TIMEOUT_MS, signal },
      (abortSignal) =>
        blob.download(range?.offset, range?.count, {
          abortSignal,
          conditions: ifMatch === undefined ? {} : { ifMatch },
          maxRetryRequests: DOWNLOAD_RESUMES,
          onProgress: ({ loadedBytes }) => (receivedBytes = loadedBytes),
        }),
    );
    const body = downloadBody(response.readableStreamBody as Readable, {
      timeoutMs: STALL_TIMEOUT_MS,
      receivedBytes: () => receivedBytes,
    });
    return { properties: propertiesOf(name, wholeBlob(response)), body };
  }

  /**
   * The whole content of a blob that is known to be small.
   *
   * @throws {@link AppError} also `BLOB.TOO_LARGE` when it has more than `maxBytes`, before they are read.
   */
  async read(
    name: string,
    { maxBytes, signal }: ReadOptions,
  ): Promise<{ properties: BlobProperties; content: Buffer }> {
    const { properties, body } = await this.download(name, { signal });
    try {
      if (properties.sizeBytes > maxBytes)
        throw storageError('BLOB.TOO_LARGE', { details: { size_bytes: properties.sizeBytes, limit_bytes: maxBytes } });
      return { properties, content: await buffer(body) };
    } catch (error) {
      if (signal?.aborted) throw error;
      throw isAbort(error) ? storageError('BLOB_STORAGE.FAILED', { cause: error }) : translateStorageError(error);
    } finally {
      body.destroy();
    }
  }

  async delete(name: string, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    const blob = await this.blob(name);
    await guardedAgainstStall({ timeoutMs: STALL_TIMEOUT_MS, signal }, (abortSignal) =>
      blob.delete({ abortSignal, deleteSnapshots: 'include' }),
    );
  }

  /** Sends the bytes of a blob without storing it yet: see {@link StagedBlob}. */
  async stage(name: string, source: Readable, options: Omit<StageOptions, 'stallTimeoutMs'> = {}): Promise<StagedBlob> {
    return StagedBlob.stage(await this.blob(name), source, { ...options, stallTimeoutMs: STALL_TIMEOUT_MS });
  }

  /** Stores a stream as a blob, whole at the end or not at all, with at most 8 MiB in memory. */
  async upload(name: string, source: Readable, options: UploadOptions): Promise<StoredBlob> {
    const { contentType, onlyIfAbsent, ...stageOptions } = options;
    const staged = await this.stage(name, source, stageOptions);
    return staged.commit({ contentType, onlyIfAbsent });
  }

  private async blob(name: string): Promise<BlockBlobClient> {
    assertBlobName(name);
    return (await this.connect()).getBlockBlobClient(name);
  }

  private connect(): Promise<ContainerClient> {
    this.client ??= import('./sdk-clients.js').then(({ containerClient }) => containerClient(this.container));
    return this.client;
  }
}

interface ListedPage {
  segment: { blobItems: { name: string; properties: SdkBlobProperties }[] };
  continuationToken?: string;
}

interface SdkBlobProperties {
  contentLength?: number | undefined;
  contentType?: string | undefined;
  etag?: string | undefined;
  lastModified?: Date | undefined;
}

function propertiesOf(
  name: string,
  { contentLength, contentType, etag, lastModified }: SdkBlobProperties,
): BlobProperties {
  if (contentLength === undefined || etag === undefined || lastModified === undefined)
    throw storageError('BLOB_STORAGE.FAILED');
  return {
    name,
    sizeBytes: contentLength,
    contentType: contentType ?? 'application/octet-stream',
    // A list has it without the quotes that HTTP wants.
    etag: etag.startsWith('"') || etag.startsWith('W/') ? etag : `"${etag}"`,
    lastModified,
  };
}

/** A range's response gives the size of the whole after the slash of `Content-Range`. */
function wholeBlob(response: BlobDownloadResponseParsed): SdkBlobProperties {
  const { contentRange, contentLength, contentType, etag, lastModified } = response;
  const wholeLength = /\/(\d+)$/.exec(contentRange ?? '')?.[1];
  return {
    contentLength: wholeLength === undefined ? contentLength : Number(wholeLength),
    contentType,
    etag,
    lastModified,
  };
}

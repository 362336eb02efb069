import { BlobStorageApi } from './generated/apis/index.js';
import type { BlobResponse } from './generated/models/index.js';
import { type ApiResponse, ResponseError } from './generated/runtime.js';
import { type BlobProperties, type ByteRange, Download, propertiesOf } from './download.js';
import { invalidArgument } from './failures.js';
import { Pages } from './pages.js';
import { checkPathSegment } from './path-segment.js';
import { SpyglassError } from './spyglass-error.js';
import type { CallOptions, Transport } from './transport.js';

/** Which blobs to list. */
export interface ListBlobsParams {
  /** Only names that begin so, such as `device001/`. */
  prefix?: string | undefined;
  /** How many blobs a page has at most; 1 to 5000, by default 100. */
  limit?: number | undefined;
  /** Where to begin: that of a page before. */
  continuation_token?: string | undefined;
}

/** What to store, and as what. */
export interface UploadBlobParams {
  /** Under which name to store the file; slashes make folders. */
  blob_name: string;
  /** The file: in a browser from an input field, in Node.js from `fs.openAsBlob(path)`, which reads it as it is sent. */
  file: Blob;
  /** Replace a blob of that name; by default the upload fails with `BLOB.ALREADY_EXISTS`. */
  overwrite?: boolean | undefined;
}

/** Names a blob. */
export interface BlobParams {
  /** The name, slashes and all, such as `device001/picture.jpg`. */
  blob_name: string;
}

/** What to download. */
export interface GetBlobParams extends BlobParams {
  /** Only these bytes, counted from 0, both ends included; without `end`, all from `start` on. */
  range?: Partial<ByteRange> & Pick<ByteRange, 'start'>;
  /** The `etag` of what is at hand: download only what is new. */
  if_none_match?: string | undefined;
}

/** Which picture to show. */
export interface GetImageParams {
  /** The device that has stored it. */
  device_name: string;
  /** Its name without the device's, slashes and all. */
  file_name: string;
  /** Scale it down to this many pixels, rounded up to 160, 320, 640, 1280 or 1920. */
  width?: number | undefined;
  /** The `etag` of what is at hand: download only what is new. */
  if_none_match?: string | undefined;
}

/** Pictures and other blobs. */
export class BlobStorageClient {
  readonly #api: BlobStorageApi;
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#api = new BlobStorageApi(transport.configuration);
    this.#transport = transport;
  }

  /** Lists the blobs, in the order of their names. */
  listBlobs(params: ListBlobsParams = {}, options?: CallOptions): Pages<BlobResponse> {
    return new Pages(params.continuation_token, (continuation_token) =>
      this.#transport.call((init) => this.#api.listBlobs({ ...params, continuation_token }, init), options),
    );
  }

  /**
   * Stores a file. The blob appears whole when all has arrived, or not at all; its content type is told from its bytes.
   * It may take any time unless the call sets `timeoutMs`.
   *
   * @throws {@link SpyglassError} `BLOB.ALREADY_EXISTS`, `BLOB.NAME_INVALID`
   */
  uploadBlob(params: UploadBlobParams, options?: CallOptions): Promise<BlobResponse> {
    return this.#transport.call((init) => this.#api.uploadBlob(params, init), { timeoutMs: 0, ...options });
  }

  /**
   * Downloads a blob or a part of it, as a stream. `signal` ends the stream too; `timeoutMs` only limits how long it may
   * take to begin.
   *
   * @returns undefined when the blob still has the ETag `if_none_match`
   * @throws {@link SpyglassError} `BLOB.NOT_FOUND`, `BLOB.RANGE_NOT_SATISFIABLE`
   */
  getBlob(params: GetBlobParams & { if_none_match: string }, options?: CallOptions): Promise<Download | undefined>;
  getBlob(params: GetBlobParams & { if_none_match?: undefined }, options?: CallOptions): Promise<Download>;
  async getBlob(params: GetBlobParams, options?: CallOptions): Promise<Download | undefined> {
    const { blob_name, range, if_none_match: If_None_Match } = params;
    checkPathSegment('blob_name', blob_name);
    const Range = range && headerOf(range);
    return this.#download(blob_name, options, (init) =>
      this.#api.getBlobRaw({ blob_name, Range, If_None_Match }, init),
    );
  }

  /**
   * Downloads a picture that a device has stored, as stored or scaled down.
   *
   * @returns undefined when the picture still has the ETag `if_none_match`
   * @throws {@link SpyglassError} `BLOB.NOT_FOUND`, `IMAGE.NOT_AN_IMAGE`
   */
  getImage(params: GetImageParams & { if_none_match: string }, options?: CallOptions): Promise<Download | undefined>;
  getImage(params: GetImageParams & { if_none_match?: undefined }, options?: CallOptions): Promise<Download>;
  async getImage(params: GetImageParams, options?: CallOptions): Promise<Download | undefined> {
    const { device_name, file_name, width, if_none_match: If_None_Match } = params;
    checkPathSegment('device_name', device_name);
    checkPathSegment('file_name', file_name);
    return this.#download(`${device_name}/${file_name}`, options, (init) =>
      this.#api.getImageRaw({ device_name, file_name, width, If_None_Match }, init),
    );
  }

  /**
   * Shows a blob's size, type and ETag.
   *
   * @throws {@link SpyglassError} `BLOB.NOT_FOUND`
   */
  async headBlob(params: BlobParams, options?: CallOptions): Promise<BlobProperties> {
    checkPathSegment('blob_name', params.blob_name);
    const { raw } = await this.#transport.call(
      (init) => this.#api.headBlobRaw(params, init).catch(rethrowNotFound),
      options,
    );
    return propertiesOf(params.blob_name, raw.headers);
  }

  /**
   * Deletes a blob.
   *
   * @throws {@link SpyglassError} `BLOB.NOT_FOUND`
   */
  async deleteBlob(params: BlobParams, options?: CallOptions): Promise<void> {
    checkPathSegment('blob_name', params.blob_name);
    return this.#transport.call((init) => this.#api.deleteBlob(params, init), options);
  }

  async #download(
    name: string,
    options: CallOptions | undefined,
    send: (init: Parameters<Parameters<Transport['call']>[0]>[0]) => Promise<ApiResponse<Blob>>,
  ): Promise<Download | undefined> {
    const response = await this.#transport.call(async (init) => {
      try {
        return (await send(init)).raw;
      } catch (thrown) {
        if (thrown instanceof ResponseError && thrown.response.status === 304) return undefined;
        throw thrown;
      }
    }, options);
    return response && new Download(name, response, options?.signal);
  }
}

/** An answer to HEAD has no body that could tell the problem. */
function rethrowNotFound(thrown: unknown): never {
  if (!(thrown instanceof ResponseError)) throw thrown;
  const { status, headers } = thrown.response;
  if (status !== 404 || !headers.get('content-type')?.startsWith('application/problem+json')) throw thrown;
  throw new SpyglassError('There is no such blob.', {
    code: 'BLOB.NOT_FOUND',
    hint: 'listBlobs tells the names that there are.',
    status,
    requestId: headers.get('x-request-id') ?? undefined,
  });
}

function headerOf({ start, end }: { start: number; end?: number | undefined }): string {
  const isPosition = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
  if (!isPosition(start) || (end !== undefined && (!isPosition(end) || end < start)))
    throw invalidArgument('range must count bytes from 0, and not end before it starts.');
  return `bytes=${String(start)}-${end === undefined ? '' : String(end)}`;
}

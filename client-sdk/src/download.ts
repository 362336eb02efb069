import { unexpectedAnswer } from './failures.js';
import { chunksOf } from './transport.js';

/** What the headers of an answer tell about a blob; undefined is what a proxy in between has left out. */
export interface BlobProperties {
  name: string;
  /** Of the whole blob, whichever part is downloaded. */
  size_bytes: number | undefined;
  content_type: string | undefined;
  /** Changes with the content; give it as `if_none_match` to download only what is new. */
  etag: string | undefined;
  /** ISO 8601, in UTC. */
  last_modified: string | undefined;
}

/** The bytes that were downloaded of a blob, from the first to the last, both included. */
export interface ByteRange {
  start: number;
  end: number;
}

/** A blob on its way here. Its content is read once: as a stream, or whole by one of the other ways. */
export class Download {
  readonly properties: BlobProperties;
  /** Which part it is; undefined for the whole. */
  readonly range: ByteRange | undefined;
  /**
   * The content as it arrives. In Node.js it can be written to a file by `fs.promises.writeFile(path, download.stream)`.
   * It breaks off with an error when the connection does; cancel it to hang up early.
   */
  readonly stream: ReadableStream<Uint8Array>;
  readonly #signal: AbortSignal | undefined;

  /** @internal */
  constructor(name: string, response: Response, signal: AbortSignal | undefined) {
    const { body, headers } = response;
    if (!body) throw unexpectedAnswer({ status: response.status });
    this.properties = propertiesOf(name, headers);
    const [, start, end] = /^bytes (\d+)-(\d+)\//.exec(headers.get('content-range') ?? '') ?? [];
    this.range = start === undefined ? undefined : { start: Number(start), end: Number(end) };
    this.stream = body;
    this.#signal = signal;
  }

  /** The whole content. */
  async arrayBuffer(): Promise<ArrayBuffer> {
    return (await this.blob()).arrayBuffer();
  }

  /** The whole content, read as UTF-8. */
  async text(): Promise<string> {
    return (await this.blob()).text();
  }

  /** The whole content with its type, for `URL.createObjectURL` or an upload. */
  async blob(): Promise<Blob> {
    const parts: Uint8Array<ArrayBuffer>[] = [];
    for await (const chunk of chunksOf(this.stream, this.#signal)) parts.push(chunk as Uint8Array<ArrayBuffer>);
    return new Blob(parts, { type: this.properties.content_type ?? '' });
  }
}

/** What `headers` tell about the blob of this name. */
export function propertiesOf(name: string, headers: Headers): BlobProperties {
  const text = (header: string): string | undefined => headers.get(header) ?? undefined;
  const modified = new Date(text('last-modified') ?? NaN);
  const size = /\/(\d+)$/.exec(text('content-range') ?? '')?.[1] ?? text('content-length');
  return {
    name,
    size_bytes: size === undefined ? undefined : Number(size),
    content_type: text('content-type'),
    etag: text('etag'),
    last_modified: Number.isNaN(modified.getTime()) ? undefined : modified.toISOString(),
  };
}

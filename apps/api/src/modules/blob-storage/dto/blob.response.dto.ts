import type { BlobPage, BlobProperties, StoredBlob } from '#libs/blob-storage';

export class BlobResponse {
  /**
   * The whole name, slashes and all.
   * @example device001/picture.jpg
   */
  name: string;

  /**
   * How long the content is.
   * @example 119665
   */
  size_bytes: number;

  /**
   * What the content is, told from its bytes.
   * @example image/jpeg
   */
  content_type: string;

  /**
   * Changes with the content.
   * @example "0x8DC7F5A3B2C1D00"
   */
  etag: string;

  /**
   * ISO 8601, in UTC.
   * @example 2025-01-31T12:00:00.000Z
   */
  last_modified: string;

  static of({ name, sizeBytes, contentType, etag, lastModified }: BlobProperties): BlobResponse {
    return {
      name,
      size_bytes: sizeBytes,
      content_type: contentType,
      etag,
      last_modified: lastModified.toISOString(),
    };
  }

  static stored(name: string, contentType: string, stored: StoredBlob): BlobResponse {
    return BlobResponse.of({ name, contentType, ...stored });
  }
}

export class BlobPageResponse {
  /** The blobs of this page. */
  items: BlobResponse[];

  /** Give it as `continuation_token` to get the next page; null on the last. */
  continuation_token: string | null;

  static of({ items, continuationToken }: BlobPage): BlobPageResponse {
    return { items: items.map((blob) => BlobResponse.of(blob)), continuation_token: continuationToken ?? null };
  }
}

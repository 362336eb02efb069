/** What a device may do with the one blob it has asked for: create and write it until `expiresAtMs`. */
export interface UploadGrant {
  readonly blobName: string;
  readonly startsAtMs: number;
  readonly expiresAtMs: number;
}

/** What storage says of a blob. */
export interface BlobFacts {
  readonly sizeBytes: number;
  /** Milliseconds since 1970. */
  readonly lastUpdatedMs: number;
}

/** The storage account and container that devices upload to. */
export interface UploadStorage {
  readonly containerName: string;
  /** Host, port and path of the blob endpoint, without scheme: `127.0.0.1:10000/devstoreaccount1`. */
  readonly hostName: string;
  /** Full URL of a blob, without a token. */
  blobUrl(blobName: string): string;
  /** A token for the grant: query text that begins with `?`. */
  sign(grant: UploadGrant): string;
  /** Asks storage for a blob; undefined when it is not there or storage does not answer. Never rejects. */
  lookUp(blobName: string, nowMs: number): Promise<BlobFacts | undefined>;
}

/** A blob name in a URL: each segment percent-encoded, slashes kept. */
export const encodeBlobName = (blobName: string): string => blobName.split('/').map(encodeURIComponent).join('/');

export { assertNewBlobName } from './blob-name.js';
export {
  type BlobDownload,
  type BlobPage,
  type BlobProperties,
  BlobStorage,
  type DownloadOptions,
  type ListBlobsOptions,
  type ReadOptions,
  type UploadOptions,
} from './blob-storage.js';
export { createBlobContainer } from './create-blob-container.js';
export type { BlobContainer, BlobStorageCredentials } from './sdk-clients.js';
export type { CommitOptions, StagedBlob, StageOptions, StoredBlob } from './staged-blob.js';
export type { BlobStorageErrorCode } from './storage-errors.js';
export { type SasUploadOptions, uploadToSasUrl } from './upload-to-sas-url.js';

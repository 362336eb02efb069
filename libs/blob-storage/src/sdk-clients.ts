import { BlockBlobClient, ContainerClient, type StoragePipelineOptions } from '@azure/storage-blob';
import type { TokenCredential } from '@azure/identity';
import { storageError } from './storage-errors.js';

// This file alone loads the SDK (0.2 s, 30 MB), and is itself loaded on first use.

/** How the storage is told who asks: the key or SAS of a connection string, a SAS token, or the ambient Azure identity. */
export type BlobStorageCredentials =
  | { readonly kind: 'connection-string'; readonly connectionString: string }
  | { readonly kind: 'sas'; readonly endpoint: string; readonly sasToken: string }
  | { readonly kind: 'identity'; readonly endpoint: string };

/** Which container, and by which credentials; `endpoint` is that of the account, as `https://account.blob.core.windows.net`. */
export interface BlobContainer {
  readonly containerName: string;
  /** Undefined when no storage is configured: each use then fails. */
  readonly credentials: BlobStorageCredentials | undefined;
}

/** Three quick tries: what is still broken after two seconds is told to the caller, who may wait and repeat. */
const CLIENT_OPTIONS: StoragePipelineOptions = {
  retryOptions: { maxTries: 3, retryDelayInMs: 300, maxRetryDelayInMs: 1_000 },
};

/** @throws {@link AppError} `BLOB_STORAGE.NOT_CONFIGURED` without credentials, or when these name no valid address. */
export function containerClient({ containerName, credentials }: BlobContainer): ContainerClient {
  if (!credentials) throw storageError('BLOB_STORAGE.NOT_CONFIGURED');
  try {
    switch (credentials.kind) {
      case 'connection-string':
        return new ContainerClient(credentials.connectionString, containerName, CLIENT_OPTIONS);
      case 'sas':
        return new ContainerClient(sasUrl(credentials, containerName), undefined, CLIENT_OPTIONS);
      case 'identity':
        return new ContainerClient(containerUrl(credentials, containerName).href, ambientCredential(), CLIENT_OPTIONS);
    }
  } catch {
    // The SDK's message may quote the setting, which is a secret.
    throw storageError('BLOB_STORAGE.NOT_CONFIGURED');
  }
}

export function blobClientOfSasUrl(url: string): BlockBlobClient {
  return new BlockBlobClient(url, undefined, CLIENT_OPTIONS);
}

function containerUrl({ endpoint }: { endpoint: string }, containerName: string): URL {
  return new URL(`${endpoint.replace(/\/+$/, '')}/${encodeURIComponent(containerName)}`);
}

function sasUrl(credentials: { endpoint: string; sasToken: string }, containerName: string): string {
  const url = containerUrl(credentials, containerName);
  url.search = credentials.sasToken;
  return url.href;
}

/** Managed identity, workload identity, environment or developer sign-in, found when the first token is needed. */
function ambientCredential(): TokenCredential {
  let credential: Promise<TokenCredential> | undefined;
  return {
    getToken: async (scopes, options) => {
      credential ??= import('./ambient-credential.js').then(({ createAmbientCredential }) => createAmbientCredential());
      return (await credential).getToken(scopes, options);
    },
  };
}

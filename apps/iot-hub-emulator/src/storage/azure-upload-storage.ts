import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { getCACertificates } from 'node:tls';
import { EmulatorOptionError } from '../emulator-options.js';
import {
  encodeBlobName,
  type BlobFacts,
  type UploadGrant,
  type UploadStorage,
} from '../hub/file-uploads/upload-storage.js';

const LOOK_UP_TIMEOUT_MS = 5000;
const LOOK_UP_TOKEN_MS = 5 * 60 * 1000;

/**
 * Opens the file upload target from a storage connection string, of Azure or of Azurite. Nothing is sent to it.
 * The SDK loads here, so that a hub without storage starts without it.
 *
 * @param options.caCertificate PEM of a further certificate authority that storage near by may have its certificate from.
 * @throws Error when the connection string has no account key to sign with.
 */
export async function openUploadStorage(options: {
  connectionString: string;
  containerName: string;
  caCertificate?: string;
}): Promise<UploadStorage> {
  const {
    BlobSASPermissions,
    BlobServiceClient,
    generateBlobSASQueryParameters,
    SASProtocol,
    StorageSharedKeyCredential,
  } = await import('@azure/storage-blob');
  const { containerName } = options;
  const { url, credential } = readConnectionString(options.connectionString, BlobServiceClient);
  if (!(credential instanceof StorageSharedKeyCredential)) {
    throw new EmulatorOptionError('The storage connection string must hold AccountName and AccountKey.');
  }
  const endpoint = new URL(url);
  const hostName = `${endpoint.host}${endpoint.pathname}`.replace(/\/+$/, '');
  const httpsOnly = endpoint.protocol === 'https:';
  const blobUrl = (blobName: string) =>
    `${endpoint.protocol}//${hostName}/${containerName}/${encodeBlobName(blobName)}`;
  const sign = (permissions: string, grant: UploadGrant) => {
    const parameters = generateBlobSASQueryParameters(
      {
        containerName,
        blobName: grant.blobName,
        permissions: BlobSASPermissions.parse(permissions),
        startsOn: new Date(grant.startsAtMs),
        expiresOn: new Date(grant.expiresAtMs),
        protocol: httpsOnly ? SASProtocol.Https : SASProtocol.HttpsAndHttp,
      },
      credential,
    );
    return `?${parameters.toString()}`;
  };
  return {
    containerName,
    hostName,
    blobUrl,
    sign: (grant) => sign('cw', grant),
    lookUp(blobName, nowMs) {
      const token = sign('r', {
        blobName,
        startsAtMs: nowMs - LOOK_UP_TOKEN_MS,
        expiresAtMs: nowMs + LOOK_UP_TOKEN_MS,
      });
      return headOf(`${blobUrl(blobName)}${token}`, options.caCertificate);
    },
  };
}

/** A plain request: the SDK's client takes no certificate authority of its own. */
function headOf(url: string, caCertificate: string | undefined): Promise<BlobFacts | undefined> {
  return new Promise((resolve) => {
    const options = { method: 'HEAD', signal: AbortSignal.timeout(LOOK_UP_TIMEOUT_MS) };
    const request = url.startsWith('https:')
      ? httpsRequest(url, {
          ...options,
          ...(caCertificate !== undefined && { ca: [...getCACertificates('default'), caCertificate] }),
        })
      : httpRequest(url, options);
    request.on('error', () => {
      resolve(undefined);
    });
    request.on('response', (response) => {
      response.resume();
      const sizeBytes = Number(response.headers['content-length']);
      const lastUpdatedMs = Date.parse(response.headers['last-modified'] ?? '');
      const known = response.statusCode === 200 && Number.isInteger(sizeBytes) && !Number.isNaN(lastUpdatedMs);
      resolve(known ? { sizeBytes, lastUpdatedMs } : undefined);
    });
    request.end();
  });
}

function readConnectionString(
  connectionString: string,
  client: { fromConnectionString(text: string): { url: string; credential: unknown } },
): { url: string; credential: unknown } {
  try {
    return client.fromConnectionString(connectionString);
  } catch {
    // The SDK's message may quote the text, and the text holds a key.
    throw new EmulatorOptionError(
      'The storage connection string cannot be read: it needs AccountName, AccountKey and BlobEndpoint.',
    );
  }
}

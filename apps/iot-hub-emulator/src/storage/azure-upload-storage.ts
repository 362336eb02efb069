import { encodeBlobName, type UploadStorage } from '../hub/file-uploads/upload-storage.js';

/**
 * Opens the file upload target from a storage connection string, of Azure or of Azurite. Nothing is sent to it.
 * The SDK loads here, so that a hub without storage starts without it.
 *
 * @throws Error when the connection string has no account key to sign with.
 */
export async function openUploadStorage(options: {
  connectionString: string;
  containerName: string;
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
    throw new Error('The storage connection string must hold AccountName and AccountKey.');
  }
  const endpoint = new URL(url);
  const hostName = `${endpoint.host}${endpoint.pathname}`.replace(/\/+$/, '');
  const httpsOnly = endpoint.protocol === 'https:';
  return {
    containerName,
    hostName,
    blobUrl: (blobName) => `${endpoint.protocol}//${hostName}/${containerName}/${encodeBlobName(blobName)}`,
    sign({ blobName, startsAtMs, expiresAtMs }) {
      const parameters = generateBlobSASQueryParameters(
        {
          containerName,
          blobName,
          permissions: BlobSASPermissions.parse('cw'),
          startsOn: new Date(startsAtMs),
          expiresOn: new Date(expiresAtMs),
          protocol: httpsOnly ? SASProtocol.Https : SASProtocol.HttpsAndHttp,
        },
        credential,
      );
      return `?${parameters.toString()}`;
    },
  };
}

function readConnectionString(
  connectionString: string,
  client: { fromConnectionString(text: string): { url: string; credential: unknown } },
): { url: string; credential: unknown } {
  try {
    return client.fromConnectionString(connectionString);
  } catch (cause) {
    // The SDK's message may quote the text, and the text holds a key.
    throw new Error(
      'The storage connection string cannot be read: it needs AccountName, AccountKey and BlobEndpoint.',
      {
        cause,
      },
    );
  }
}

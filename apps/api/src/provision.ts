import { createBlobContainer } from '#libs/blob-storage';
import { createTelemetryContainer } from '#libs/cosmos';
import { AppError, trustCertificateAuthority } from '#libs/runtime';
import { loadApiConfig } from './api.config.js';

/**
 * Makes the blob container and the Cosmos DB container that the API's settings name, unless they exist: for storage that was
 * started a moment ago. On Azure the deployment makes them.
 */
async function provision(): Promise<void> {
  const { caFile, blobStorage, cosmos } = loadApiConfig();
  if (caFile !== undefined) trustCertificateAuthority(caFile);
  if (blobStorage.credentials?.kind === 'connection-string') {
    await createBlobContainer(blobStorage.credentials.connectionString, blobStorage.containerName);
  }
  if (cosmos.credentials?.kind === 'connection-string') {
    await createTelemetryContainer(cosmos.credentials.connectionString, cosmos);
  }
}

provision().catch((error: unknown) => {
  console.error(error instanceof AppError ? [error.message, error.hint].filter(Boolean).join('\n') : error);
  process.exitCode = 1;
});

import { translateStorageError } from './storage-errors.js';

/**
 * Makes a container of an account, unless it exists.
 *
 * @throws {@link AppError} of `BlobStorageErrorCode`.
 */
export async function createBlobContainer(connectionString: string, containerName: string): Promise<void> {
  const { containerClient } = await import('./sdk-clients.js');
  try {
    await containerClient({
      containerName,
      credentials: { kind: 'connection-string', connectionString },
    }).createIfNotExists();
  } catch (error) {
    throw translateStorageError(error);
  }
}

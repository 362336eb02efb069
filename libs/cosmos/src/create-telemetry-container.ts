import { CosmosContainer } from './cosmos-container.js';
import { TELEMETRY_CONTAINER } from './telemetry-container.js';

/**
 * Makes the database and the container that IoT Hub routes messages into, unless they exist.
 *
 * @throws {@link AppError} of `CosmosErrorCode`.
 */
export async function createTelemetryContainer(
  connectionString: string,
  { databaseName, containerName }: { readonly databaseName: string; readonly containerName: string },
): Promise<void> {
  const credentials = { kind: 'connection-string', connectionString } as const;
  await new CosmosContainer({ credentials, databaseName, containerName, definition: TELEMETRY_CONTAINER }).probe();
}

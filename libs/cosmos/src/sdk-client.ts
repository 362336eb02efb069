import {
  type Container,
  type ContainerRequest,
  CosmosClient,
  type CosmosClientOptions,
  PartitionKeyDefinitionVersion,
} from '@azure/cosmos';
import type { TokenCredential } from '@azure/identity';
import type { ContainerDefinition } from './container-definition.js';
import type { ContainerSettings, CosmosCredentials } from './container-settings.js';
import { cosmosError } from './cosmos-errors.js';

// This file alone loads the SDK (0.2 s, 30 MB), and is itself loaded on first use.

/** Quick tries: what is still refused after three seconds is told to the caller, who may wait and repeat. */
const CONNECTION_POLICY: NonNullable<CosmosClientOptions['connectionPolicy']> = {
  requestTimeout: 9_000,
  enableBackgroundEndpointRefreshing: false,
  retryOptions: { maxRetryAttemptCount: 3, fixedRetryIntervalInMilliseconds: 0, maxWaitTimeInSeconds: 3 },
};

/**
 * The container, made with its database if it is not there yet. An identity may read and write documents only, never make
 * containers, so that there it is taken as given.
 *
 * @throws {@link AppError} `COSMOS.NOT_CONFIGURED` without credentials, or when these name no valid address.
 * @see https://learn.microsoft.com/azure/cosmos-db/nosql/reference-data-plane-security
 */
export async function openContainer(
  { credentials, databaseName, containerName, definition }: ContainerSettings,
  abortSignal: AbortSignal,
): Promise<Container> {
  const client = createClient(credentials);
  if (credentials?.kind === 'identity') return client.database(databaseName).container(containerName);
  const { database } = await client.databases.createIfNotExists({ id: databaseName }, { abortSignal });
  const { container } = await database.containers.createIfNotExists(containerRequest(containerName, definition), {
    abortSignal,
  });
  return container;
}

function createClient(credentials: CosmosCredentials | undefined): CosmosClient {
  if (!credentials) throw cosmosError('COSMOS.NOT_CONFIGURED');
  try {
    switch (credentials.kind) {
      case 'connection-string':
        return new CosmosClient({
          connectionString: credentials.connectionString,
          connectionPolicy: CONNECTION_POLICY,
        });
      case 'key':
        return new CosmosClient({
          endpoint: credentials.endpoint,
          key: credentials.key,
          connectionPolicy: CONNECTION_POLICY,
        });
      case 'identity':
        return new CosmosClient({
          endpoint: credentials.endpoint,
          aadCredentials: ambientCredential(),
          connectionPolicy: CONNECTION_POLICY,
        });
    }
  } catch {
    // The SDK's message may quote the setting, which is a secret.
    throw cosmosError('COSMOS.NOT_CONFIGURED');
  }
}

function containerRequest(id: string, definition: ContainerDefinition): ContainerRequest {
  return {
    id,
    partitionKey: { paths: [definition.partitionKeyPath], version: PartitionKeyDefinitionVersion.V2 },
    defaultTtl: definition.defaultTtlSeconds,
    indexingPolicy: {
      includedPaths: definition.includedPaths.map((path) => ({ path })),
      excludedPaths: definition.excludedPaths.map((path) => ({ path })),
      compositeIndexes: definition.descendingTogether.map((paths) =>
        paths.map((path) => ({ path, order: 'descending' as const })),
      ),
    },
  };
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

import type { ContainerDefinition } from './container-definition.js';

/** How the account is told who asks: an account key, or the ambient Azure identity. `endpoint` is that of the account. */
export type CosmosCredentials =
  | { readonly kind: 'connection-string'; readonly connectionString: string }
  | { readonly kind: 'key'; readonly endpoint: string; readonly key: string }
  | { readonly kind: 'identity'; readonly endpoint: string };

/** Which container, what it is like, and by which credentials. */
export interface ContainerSettings {
  readonly databaseName: string;
  readonly containerName: string;
  readonly definition: ContainerDefinition;
  /** Undefined when no Cosmos DB is configured: each use then fails. */
  readonly credentials: CosmosCredentials | undefined;
}

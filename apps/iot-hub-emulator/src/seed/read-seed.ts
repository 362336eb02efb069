import path from 'node:path';
import { z } from 'zod';
import {
  cosmosDbEndpointSchema,
  DEFAULT_ROUTING,
  routingSchema,
  type CheckedCosmosDbEndpoint,
  type CheckedRouting,
  type CosmosDbEndpoint,
  type IotHubRouting,
} from '../hub/routing/routing-config.js';
import { isPem } from '../tls/authorities.js';
import { readChecked } from './checked-file.js';
import { seedSchema, type IotHubSeed, type SeedDevice } from './seed-schema.js';

/** What a hub begins with. */
export interface HubBeginning {
  readonly devices: readonly SeedDevice[];
  readonly routing: CheckedRouting;
  /** PEM texts, or paths of PEM files. */
  readonly caCertificates: readonly string[];
  /** All endpoints that routes may name beside the built-in one. */
  readonly cosmosDbEndpoints: readonly CheckedCosmosDbEndpoint[];
}

/** Where the beginning comes from; texts are paths of YAML or JSON files. */
export interface BeginningSources {
  readonly seed?: IotHubSeed | string;
  /** Goes before the seed's. */
  readonly routing?: IotHubRouting | string;
  readonly cosmosDbEndpoints?: readonly CosmosDbEndpoint[];
  /** Beside the seed's. */
  readonly caCertificates?: readonly string[];
}

/** Reads and checks all that a hub begins with. @throws {@link SeedError} */
export async function readBeginning(sources: BeginningSources): Promise<HubBeginning> {
  const given = await readChecked([...(sources.cosmosDbEndpoints ?? [])], {
    schema: z.array(cosmosDbEndpointSchema),
    what: 'Cosmos DB endpoint',
  });
  const names = given.map(({ name }) => name);
  const seed = await readChecked(sources.seed ?? { devices: [] }, { schema: seedSchema(names) });
  /** A seed names files from where it is itself. */
  const besideSeed = (file: string) =>
    isPem(file) ? file : path.resolve(typeof sources.seed === 'string' ? path.dirname(sources.seed) : '', file);
  const routes = sources.routing ?? (seed.routingFile === undefined ? undefined : besideSeed(seed.routingFile));
  const routing =
    routes === undefined
      ? (seed.properties?.routing ?? DEFAULT_ROUTING)
      : await readChecked(routes, { schema: routingSchema(names), what: 'routing' });
  return {
    devices: seed.devices,
    routing,
    caCertificates: [...(sources.caCertificates ?? []), ...(seed.caCertificates ?? []).map(besideSeed)],
    cosmosDbEndpoints: [...given, ...(routing.endpoints?.cosmosDBSqlContainers ?? [])],
  };
}

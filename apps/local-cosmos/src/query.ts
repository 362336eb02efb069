import type Documents from '@vercel/cosmosdb-server/lib/account/documents.js';
import { badRequest } from './cosmos-error.js';
import { isObject, type PageRequest } from './call.js';
import { type PartitionKey, partitionOf } from './partition-key.js';

export interface QuerySpec {
  readonly query: string;
  readonly parameters: { name: string; value: unknown }[];
}

/** What the engine reads of the documents that it is asked about. */
type Engine = Pick<Documents, 'query'>;

/** Rows by which the engine tells items apart. */
type Items = ReturnType<Documents['_item']>;

/** @throws {@link CosmosError} 400 */
export function readQuerySpec(body: unknown): QuerySpec {
  if (!isObject(body) || typeof body.query !== 'string') throw badRequest('The body must be an object with a query.');
  const parameters = body.parameters ?? [];
  if (!Array.isArray(parameters) || !parameters.every(isParameter))
    throw badRequest('The parameters must be a list of objects with a name that begins with @, and a value.');
  return { query: body.query, parameters };
}

function isParameter(value: unknown): value is { name: string; value: unknown } {
  return isObject(value) && typeof value.name === 'string' && value.name.startsWith('@');
}

/**
 * One page of a query's result. With a `partition` only its documents are looked at; the engine by itself would look at
 * all of them, whatever the request says.
 *
 * @throws {@link CosmosError} 400 for what the engine cannot parse or evaluate.
 */
export function runQuery(
  documents: Documents,
  spec: QuerySpec,
  { page, partition }: { page: PageRequest; partition?: PartitionKey | undefined },
): unknown {
  try {
    return engineOver(documents, partition).query(spec, page);
  } catch (error) {
    const reason = error instanceof Error ? error.message.slice(0, MAX_REASON_LENGTH) : '';
    throw badRequest(
      `The local Cosmos DB cannot evaluate this query; it knows no GROUP BY, OFFSET, DISTINCT, LIKE nor functions of one's own. ${reason}`,
    );
  }
}

const MAX_REASON_LENGTH = 300;

/** The engine with its view of the container put right. */
function engineOver(documents: Documents, partition: PartitionKey | undefined): Engine {
  const container = documents._parent.read();
  const compositeIndexes = container.indexingPolicy?.compositeIndexes?.map((index) =>
    // Azure wants names with other signs than letters and digits in quotes; the engine knows names without alone.
    index.map((part) => ({ ...part, path: part.path.replaceAll('"', '') })),
  );
  const parent = { read: () => ({ ...container, indexingPolicy: { compositeIndexes } }) };
  return Object.create(documents, {
    _parent: { value: parent },
    _userDefinedFunctions: { value: () => Object.create(null) as object },
    ...(partition && { _data: { value: itemsOf(documents, partition) } }),
  }) as Engine;
}

function itemsOf(documents: Documents, partition: PartitionKey): Map<string, Items> {
  const path = documents._getPartitionKeyPath();
  return new Map([...documents._data].filter(([, item]) => partitionOf(item.read(), path).text === partition.text));
}

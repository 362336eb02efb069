import type { OperationResult } from '@vercel/cosmosdb-server/lib/handler/_document-operations.js';
import type { PatchOperation } from '@vercel/cosmosdb-server/lib/types.js';
import { runBulk } from './bulk.js';
import { type Call, flag, header, isObject, isQuery, pageReply, pageRequest, type Reply } from './call.js';
import { badRequest, notFound, notImplemented } from './cosmos-error.js';
import type { ContainerDocuments, Retention } from './documents.js';
import { type PartitionKey, partitionOfCall } from './partition-key.js';
import { readQuerySpec, runQuery } from './query.js';

/** How long documents are kept, and by what time. */
export interface DocumentOptions extends Retention {
  readonly now: () => number;
}

/**
 * Carries out one call on a container's documents. The reply may be sent once the store has committed.
 *
 * @throws {@link CosmosError} for everything that is refused.
 */
export function answerDocuments(documents: ContainerDocuments, call: Call, options: DocumentOptions): Reply {
  if (call.path.isItem) return answerDocument(documents, call);
  return call.method === 'GET'
    ? queryDocuments(documents, call, options, { query: 'SELECT * FROM c', parameters: [] })
    : postDocuments(documents, call, options);
}

function postDocuments(documents: ContainerDocuments, call: Call, options: DocumentOptions): Reply {
  if (header(call, 'x-ms-cosmos-is-query-plan-request')) throw notImplemented('query plans');
  if (isQuery(call)) return queryDocuments(documents, call, options, readQuerySpec(call.body));
  const reply = writeDocuments(documents, call);
  documents.applyRetention(options, options.now());
  return reply;
}

function writeDocuments(documents: ContainerDocuments, call: Call): Reply {
  if (flag(call, 'x-ms-cosmos-is-batch-request')) {
    if (flag(call, 'x-ms-cosmos-batch-atomic')) throw notImplemented('transactional batches');
    return runBulk(documents, call.body, flag(call, 'x-ms-cosmos-batch-continue-on-error'));
  }
  refuseCreateCondition(call);
  const partition = partitionOfCall(call);
  const result = flag(call, 'x-ms-documentdb-is-upsert')
    ? documents.upsert(call.body, partition, header(call, 'if-match'))
    : documents.create(call.body, partition);
  return replyOf(result);
}

function answerDocument(documents: ContainerDocuments, call: Call): Reply {
  const id = call.path.itemId;
  const key = requirePartition(call);
  const ifMatch = header(call, 'if-match');
  switch (call.method) {
    case 'GET': {
      const result = documents.read(id, key);
      const known = header(call, 'if-none-match');
      return known !== undefined && known === result.body?._etag ? { status: 304 } : replyOf(result);
    }
    case 'PUT':
      refuseCreateCondition(call);
      return replyOf(documents.replace(id, call.body, key, ifMatch));
    case 'PATCH':
      return replyOf(documents.patch(id, patchOperations(call.body), key, ifMatch));
    default:
      return replyOf(documents.delete(id, key, ifMatch));
  }
}

function queryDocuments(
  documents: ContainerDocuments,
  call: Call,
  options: DocumentOptions,
  spec: ReturnType<typeof readQuerySpec>,
): Reply {
  if (header(call, 'a-im')) throw notImplemented('change feeds');
  documents.applyRetention(options, options.now());
  const where = { page: pageRequest(call), partition: partitionOfCall(call) };
  return pageReply('Documents', runQuery(documents.collection.documents, spec, where));
}

function replyOf({ statusCode, body }: OperationResult): Reply {
  if (statusCode === 404) throw notFound('document');
  return { status: statusCode, body };
}

function requirePartition(call: Call): PartitionKey {
  const key = partitionOfCall(call);
  if (key) return key;
  throw badRequest('The header x-ms-documentdb-partitionkey is missing.');
}

function refuseCreateCondition(call: Call): void {
  if (header(call, 'if-none-match')) throw notImplemented('If-None-Match on writes');
}

function patchOperations(body: unknown): PatchOperation[] {
  const operations: unknown = isObject(body) ? body.operations : body;
  if (isObject(body) && body.condition !== undefined) throw notImplemented('conditions of patches');
  if (!Array.isArray(operations) || !operations.every(isPatchOperation))
    throw badRequest('The body must be a list of patch operations.');
  return operations;
}

function isPatchOperation(value: unknown): value is PatchOperation {
  return isObject(value) && typeof value.op === 'string' && typeof value.path === 'string';
}

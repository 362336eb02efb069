import type { OperationResult } from '@vercel/cosmosdb-server/lib/handler/_document-operations.js';
import { badRequest, CosmosError } from './cosmos-error.js';
import { isObject, type JsonObject, type Reply } from './call.js';
import type { ContainerDocuments } from './documents.js';
import { parsePartitionKey } from './partition-key.js';

/** Azure's limit. */
const MAX_OPERATIONS = 100;
const FAILED_DEPENDENCY = 424;

/**
 * Runs operations one by one, as the SDKs send them for bulk. One that fails leaves the others alone, unless
 * `continueOnError` is false: then those after it are not tried.
 *
 * @throws {@link CosmosError} 400 or 413 before anything is done.
 */
export function runBulk(documents: ContainerDocuments, body: unknown, continueOnError: boolean): Reply {
  if (!Array.isArray(body) || !body.every(isObject))
    throw badRequest('The body of a bulk must be a list of operations.');
  if (body.length > MAX_OPERATIONS)
    throw new CosmosError(413, 'RequestEntityTooLarge', `A bulk may have ${MAX_OPERATIONS} operations.`);
  const replies: object[] = [];
  let failed = false;
  for (const operation of body) {
    const result: OperationResult =
      failed && !continueOnError ? { statusCode: FAILED_DEPENDENCY } : runOne(documents, operation);
    failed ||= result.statusCode >= 400;
    replies.push(
      result.statusCode >= 400
        ? { statusCode: result.statusCode, requestCharge: 0 }
        : { statusCode: result.statusCode, requestCharge: 1, eTag: result.body?._etag, resourceBody: result.body },
    );
  }
  return { status: failed ? MULTI_STATUS : 200, body: replies };
}

const MULTI_STATUS = 207;

function runOne(documents: ContainerDocuments, operation: JsonObject): OperationResult {
  const { operationType, resourceBody, id, partitionKey, ifMatch } = operation;
  const name = typeof id === 'string' ? id : '';
  const condition = typeof ifMatch === 'string' ? ifMatch : undefined;
  try {
    const key = parsePartitionKey(partitionKey);
    switch (operationType) {
      case 'Create':
        return documents.create(resourceBody, key);
      case 'Upsert':
        return documents.upsert(resourceBody, key, condition);
      case 'Replace':
        return documents.replace(name, resourceBody, key, condition);
      case 'Read':
        return documents.read(name, key);
      case 'Delete':
        return documents.delete(name, key, condition);
      default:
        return { statusCode: 501 };
    }
  } catch (error) {
    if (error instanceof CosmosError) return { statusCode: error.status };
    throw error;
  }
}

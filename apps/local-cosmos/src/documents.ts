import type Collection from '@vercel/cosmosdb-server/lib/account/collection.js';
import {
  createOperation,
  deleteOperation,
  type OperationResult,
  readOperation,
  replaceOperation,
  upsertOperation,
} from '@vercel/cosmosdb-server/lib/handler/_document-operations.js';
import { patchOperation } from '@vercel/cosmosdb-server/lib/handler/_patch-operations.js';
import type { JSONObject, PatchOperation } from '@vercel/cosmosdb-server/lib/types.js';
import { badRequest, CosmosError } from './cosmos-error.js';
import { isObject, type JsonObject } from './call.js';
import type { DurableStore } from './durable-store.js';
import { type PartitionKey, partitionOf } from './partition-key.js';

/** Azure's largest document. */
const MAX_DOCUMENT_BYTES = 2 * 1024 * 1024;
const MAX_ID_LENGTH = 255;

/** How long and how many documents a container keeps. */
export interface Retention {
  readonly maxDocuments: number;
  readonly maxAgeMs: number;
}

/** The documents of one container: the engine's operations with the checks that it leaves out, each kept on disk. */
export class ContainerDocuments {
  constructor(
    readonly collection: Collection,
    private readonly store: DurableStore,
    private readonly name: { readonly database: string; readonly container: string },
  ) {}

  create(document: unknown, partition: PartitionKey | undefined): OperationResult {
    const { body, key } = this.checked(document, partition);
    return this.recorded(String(body.id), key, () =>
      createOperation(this.collection, { resourceBody: body as JSONObject }),
    );
  }

  upsert(document: unknown, partition: PartitionKey | undefined, ifMatch?: string): OperationResult {
    const { body, key } = this.checked(document, partition);
    return this.recorded(String(body.id), key, () =>
      upsertOperation(this.collection, {
        resourceBody: body as JSONObject,
        partitionKey: `[${key.text}]`,
        ...(ifMatch !== undefined && { ifMatch }),
      }),
    );
  }

  replace(id: string, document: unknown, partition: PartitionKey | undefined, ifMatch?: string): OperationResult {
    const { body, key } = this.checked(document, partition);
    // The engine would replace whichever document the body names.
    if (body.id !== id) throw badRequest('The id of a document cannot be changed.');
    return this.recorded(id, key, () =>
      replaceOperation(this.collection, {
        resourceBody: body as JSONObject,
        partitionKey: `[${key.text}]`,
        ...(ifMatch !== undefined && { ifMatch }),
      }),
    );
  }

  patch(id: string, operations: readonly PatchOperation[], key: PartitionKey, ifMatch?: string): OperationResult {
    const touched = operations.flatMap(({ path, from }) => [path, from ?? '']);
    if (touched.some((path) => /^\/(?:id|_[^/]*)(?:\/|$)/.test(path)))
      throw badRequest('The id and the properties of the system cannot be patched.');
    return this.recorded(id, key, () =>
      patchOperation(this.collection, {
        id,
        operations: [...operations],
        partitionKey: `[${key.text}]`,
        ...(ifMatch !== undefined && { ifMatch }),
      }),
    );
  }

  read(id: string, key: PartitionKey): OperationResult {
    return readOperation(this.collection, { id, partitionKey: `[${key.text}]` });
  }

  delete(id: string, key: PartitionKey, ifMatch?: string): OperationResult {
    return this.recorded(id, key, () =>
      deleteOperation(this.collection, {
        id,
        partitionKey: `[${key.text}]`,
        ...(ifMatch !== undefined && { ifMatch }),
      }),
    );
  }

  /** Takes up a document that was stored before, as it was then. */
  restore(document: JsonObject): void {
    const restored = this.collection.documents.create(document);
    Object.assign(restored, { _etag: document._etag, _ts: document._ts });
  }

  /** Deletes what is too old or too much, the oldest writes first. */
  applyRetention({ maxDocuments, maxAgeMs }: Retention, nowMs: number): void {
    const { documents } = this.collection;
    const { defaultTtl } = this.collection.read() as { defaultTtl?: unknown };
    const ttlMs = typeof defaultTtl === 'number' && defaultTtl > 0 ? defaultTtl * 1000 : Infinity;
    const oldestMs = nowMs - Math.min(maxAgeMs, ttlMs);
    // The map is in the order of the last writes: the engine takes out and puts back what it replaces.
    for (const item of documents._data.values()) {
      const { id, _ts: writtenAt = 0, ...document } = item.read();
      if (documents._data.size <= maxDocuments && writtenAt * 1000 >= oldestMs) return;
      const key = partitionOf(document, documents._getPartitionKeyPath());
      documents.delete(id, key.value);
      this.record(id, key);
    }
  }

  /** @throws {@link CosmosError} 400 or 413 for what Azure refuses too. */
  private checked(document: unknown, partition: PartitionKey | undefined): { body: JsonObject; key: PartitionKey } {
    if (!isObject(document)) throw badRequest('A document must be a JSON object.');
    const { id } = document;
    if (typeof id !== 'string' || id === '' || id.length > MAX_ID_LENGTH || /[/\\?#]/.test(id))
      throw badRequest(`The id must be a text of 1 to ${MAX_ID_LENGTH} characters without / \\ ? and #.`);
    if (Buffer.byteLength(JSON.stringify(document)) > MAX_DOCUMENT_BYTES)
      throw new CosmosError(413, 'RequestEntityTooLarge', 'A document may have 2 MiB.');
    const key = partitionOf(document, this.collection.documents._getPartitionKeyPath());
    if (partition && partition.text !== key.text)
      throw badRequest('The partition key of the document is not the one that the header names.');
    return { body: document, key };
  }

  private recorded(id: string, key: PartitionKey, change: () => OperationResult): OperationResult {
    const result = change();
    if (result.statusCode < 300) this.record(id, key);
    return result;
  }

  /** Stores what has become of a document. */
  private record(id: string, { value, text }: PartitionKey): void {
    const key = { ...this.name, partition: text, id };
    const document = this.collection.document(id, value).read() as JsonObject | undefined;
    if (document) this.store.put(key, document);
    else this.store.delete(key);
  }
}

import Account from '@vercel/cosmosdb-server/lib/account/index.js';
import type Database from '@vercel/cosmosdb-server/lib/account/database.js';
import { type Call, header, isObject, isQuery, type JsonObject, pageReply, pageRequest, type Reply } from './call.js';
import { badRequest, CosmosError, notFound, notImplemented } from './cosmos-error.js';
import { answerDocuments, type DocumentOptions } from './document-calls.js';
import { ContainerDocuments } from './documents.js';
import type { DurableStore, StoredResource } from './durable-store.js';
import { readQuerySpec } from './query.js';

/**
 * A Cosmos DB account: the engine's databases, containers and documents in memory, every change of them in the store.
 * Calls that it cannot answer as Azure does are refused.
 */
export class LocalAccount {
  private readonly account = new Account('localhost', 0);

  constructor(
    private readonly store: DurableStore,
    private readonly options: DocumentOptions,
  ) {
    for (const resource of store.all()) this.restore(resource);
    this.applyRetention();
  }

  /**
   * Carries out one call. The reply may be sent once the store has committed.
   *
   * @throws {@link CosmosError} for everything that is refused.
   */
  answer(call: Call): Reply {
    const { type, isItem } = call.path;
    switch (`${call.method} ${type}${isItem ? '/' : ''}`) {
      case 'GET /':
        return this.describe(call);
      case 'GET dbs':
        return pageReply('Databases', this.account.databases.read(pageRequest(call)));
      case 'POST dbs':
        return isQuery(call)
          ? pageReply('Databases', this.account.databases.query(readQuerySpec(call.body), pageRequest(call)))
          : this.createDatabase(call.body);
      case 'GET dbs/':
        return { status: 200, body: this.database(call).read() };
      case 'DELETE dbs/':
        return this.deleteDatabase(call);
      case 'GET colls':
        return pageReply('DocumentCollections', this.database(call).collections.read(pageRequest(call)));
      case 'POST colls':
        return isQuery(call)
          ? pageReply(
              'DocumentCollections',
              this.database(call).collections.query(readQuerySpec(call.body), pageRequest(call)),
            )
          : this.createContainer(call);
      case 'GET colls/':
        return { status: 200, body: this.container(call).collection.read() };
      case 'DELETE colls/':
        return this.deleteContainer(call);
      case 'GET pkranges':
        return pageReply(
          'PartitionKeyRanges',
          this.container(call).collection.partitionKeyRanges.read(pageRequest(call)),
        );
      case 'GET docs':
      case 'POST docs':
      case 'GET docs/':
      case 'PUT docs/':
      case 'PATCH docs/':
      case 'DELETE docs/':
        return answerDocuments(this.container(call), call, this.options);
      default:
        throw notImplemented(`${call.method} on ${type === '' ? 'the account' : type}`);
    }
  }

  /** Deletes everywhere what is too old. */
  applyRetention(): void {
    for (const database of this.account.databases._data.values())
      for (const collection of database.collections._data.values())
        this.documentsOf(database.read().id, collection.read().id).applyRetention(this.options, this.options.now());
  }

  private describe(call: Call): Reply {
    const locations = [{ name: 'local', databaseAccountEndpoint: `https://${header(call, 'host') ?? ''}/` }];
    return {
      status: 200,
      body: { ...this.account.read(), writableLocations: locations, readableLocations: locations },
    };
  }

  private createDatabase(body: unknown): Reply {
    const id = idOf(body);
    if (this.account.database(id).read() as unknown) throw conflict('database');
    const database = this.account.databases.create(body as JsonObject);
    this.store.put({ database: id, container: '', partition: '', id: '' }, database);
    return { status: 201, body: database };
  }

  private deleteDatabase(call: Call): Reply {
    const { id } = this.database(call).read();
    this.account.databases.delete(id, id);
    this.store.delete({ database: id, container: '', partition: '', id: '' });
    return { status: 204 };
  }

  private createContainer(call: Call): Reply {
    const database = this.database(call);
    const id = idOf(call.body);
    if (database.collection(id).read() as unknown) throw conflict('container');
    requireSimplePartitionKey(call.body as JsonObject);
    const container = database.collections.create(call.body as JsonObject);
    this.store.put({ database: database.read().id, container: id, partition: '', id: '' }, container);
    return { status: 201, body: container };
  }

  private deleteContainer(call: Call): Reply {
    const database = this.database(call);
    const { id } = this.container(call).collection.read();
    database.collections.delete(id, id);
    this.store.delete({ database: database.read().id, container: id, partition: '', id: '' });
    return { status: 204 };
  }

  /** @throws {@link CosmosError} 404 */
  private database({ path: { databaseId } }: Call): Database {
    const database = this.account.database(databaseId);
    // The engine gives an empty database for one that is not there.
    if (!(database.read() as unknown)) throw notFound('database');
    return database;
  }

  /** @throws {@link CosmosError} 404 */
  private container(call: Call): ContainerDocuments {
    const database = this.database(call);
    const { containerId } = call.path;
    const collection = database.collection(containerId).read() as { id: string } | undefined;
    if (!collection) throw notFound('container');
    return this.documentsOf(database.read().id, collection.id);
  }

  private documentsOf(database: string, container: string): ContainerDocuments {
    const collection = this.account.database(database).collection(container);
    return new ContainerDocuments(collection, this.store, { database, container });
  }

  private restore({ database, container, id, body }: StoredResource): void {
    const resource = JSON.parse(body) as JsonObject;
    if (id !== '') this.documentsOf(database, container).restore(resource);
    else if (container !== '') this.account.database(database).collections.create(resource);
    else this.account.databases.create(resource);
  }
}

function conflict(what: string): CosmosError {
  return new CosmosError(409, 'Conflict', `There is a ${what} of this id already.`);
}

function idOf(body: unknown): string {
  if (isObject(body) && typeof body.id === 'string' && /^[^/\\?#]{1,255}$/.test(body.id)) return body.id;
  throw badRequest('The id must be a text of 1 to 255 characters without / \\ ? and #.');
}

/** The engine takes the first path of several, and paths with quotes for what they are not. */
function requireSimplePartitionKey({ partitionKey, uniqueKeyPolicy }: JsonObject): void {
  const paths = isObject(partitionKey) ? partitionKey.paths : undefined;
  if (!Array.isArray(paths) || paths.length === 0 || !paths.every((path) => typeof path === 'string'))
    throw badRequest('A container needs a partition key with a list of paths.');
  if (paths.length > 1) throw notImplemented('hierarchical partition keys');
  if (!/^(?:\/\w+)+$/.test(String(paths[0]))) throw notImplemented('partition keys of other than letters and digits');
  const uniqueKeys = isObject(uniqueKeyPolicy) ? uniqueKeyPolicy.uniqueKeys : undefined;
  if (Array.isArray(uniqueKeys) && uniqueKeys.length > 0) throw notImplemented('unique keys');
}

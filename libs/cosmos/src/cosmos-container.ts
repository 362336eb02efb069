import type { Container, JSONValue, OperationInput } from '@azure/cosmos';
import { AppError } from '#libs/runtime';
import type { ContainerSettings } from './container-settings.js';
import { cosmosError, translateCosmosError } from './cosmos-errors.js';

/** The most operations that the service takes in one bulk. */
const BULK_OPERATIONS = 100;

/** The longest time that one call may take, the SDK's own retries included. */
const CALL_TIMEOUT_MS = 9_000;

export interface QueryOptions {
  /** The value of the one partition that is looked into. */
  readonly partitionKey: string;
  /** The most rows of the answer. */
  readonly limit: number;
  readonly signal?: AbortSignal | undefined;
}

/** A query's text, whose `@names` stand for the values of `parameters`. */
export interface Query {
  readonly text: string;
  readonly parameters: Readonly<Record<`@${string}`, JSONValue>>;
}

/**
 * The documents of one container, through one client that is made on first use. Every call takes bounded time: what
 * cannot be reached, or stays silent, fails within ten seconds.
 *
 * Every method throws an {@link AppError} of `CosmosErrorCode`, or an `AbortError` when its `signal` fired.
 */
export class CosmosContainer {
  private opened: Promise<Container> | undefined;

  constructor(private readonly settings: ContainerSettings) {}

  /** False when the settings name no Cosmos DB. */
  get isConfigured(): boolean {
    return this.settings.credentials !== undefined;
  }

  /** Fails when documents cannot be read just now; for readiness. With a key, this makes the container. */
  async probe(signal?: AbortSignal): Promise<void> {
    await this.query({ text: 'SELECT TOP 1 c.id FROM c', parameters: {} }, { partitionKey: '', limit: 1, signal });
  }

  /** The first rows of a query within one partition, in its order. */
  async query<Row>({ text, parameters }: Query, { partitionKey, limit, signal }: QueryOptions): Promise<Row[]> {
    const spec = { query: text, parameters: Object.entries(parameters).map(([name, value]) => ({ name, value })) };
    return this.run(signal, async (container, abortSignal) => {
      const pages = container.items.query<Row>(spec, { partitionKey, maxItemCount: limit, abortSignal });
      const rows: Row[] = [];
      // The service ends pages early when they grow large or expensive.
      while (rows.length < limit && pages.hasMoreResults()) rows.push(...(await pages.fetchNext()).resources);
      return rows.slice(0, limit);
    });
  }

  /**
   * Stores documents, in place of those with the same id and partition, a hundred a call; in no order. Nothing is undone
   * when some fail: repeating is harmless.
   */
  async upsertAll(
    documents: readonly (Readonly<Record<string, JSONValue>> & { readonly id: string })[],
    { signal }: { signal?: AbortSignal | undefined } = {},
  ): Promise<void> {
    const name = this.settings.definition.partitionKeyPath.slice(1);
    const operations = documents.map((resourceBody): OperationInput => {
      return { operationType: 'Upsert', partitionKey: resourceBody[name] as string, resourceBody };
    });
    for (let at = 0; at < operations.length; at += BULK_OPERATIONS)
      await this.run(signal, (container, abortSignal) =>
        runBulk(container, operations.slice(at, at + BULK_OPERATIONS), abortSignal),
      );
  }

  private async run<Result>(
    signal: AbortSignal | undefined,
    work: (container: Container, abortSignal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    signal?.throwIfAborted();
    const late = new AbortController();
    const abortSignal = signal ? AbortSignal.any([signal, late.signal]) : late.signal;
    const timer = setTimeout(() => {
      late.abort();
    }, CALL_TIMEOUT_MS);
    try {
      // The SDK does not look at the signal while it waits before a retry.
      return await unlessAborted(abortSignal, async () => work(await this.open(), abortSignal));
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      const translated = late.signal.aborted
        ? cosmosError('COSMOS.TIMEOUT', { cause: error })
        : translateCosmosError(error);
      // A container that was deleted is made again at the next call.
      if (translated instanceof AppError && translated.code === 'COSMOS.CONTAINER_NOT_FOUND') this.opened = undefined;
      throw translated;
    } finally {
      clearTimeout(timer);
    }
  }

  private open(): Promise<Container> {
    this.opened ??= import('./sdk-client.js')
      .then(({ openContainer }) => openContainer(this.settings, AbortSignal.timeout(CALL_TIMEOUT_MS)))
      .catch((error: unknown) => {
        this.opened = undefined;
        throw error;
      });
    return this.opened;
  }
}

async function runBulk(container: Container, operations: OperationInput[], abortSignal: AbortSignal): Promise<void> {
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- its successor waits a second for every batch that is not full
  const results = await container.items.bulk(operations, {}, { abortSignal });
  const failed = results.find(({ statusCode }) => statusCode >= 400);
  if (failed) throw Object.assign(new Error('An operation of a bulk failed.'), { code: failed.statusCode });
}

async function unlessAborted<Result>(signal: AbortSignal, work: () => Promise<Result>): Promise<Result> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => {
    aborted.reject(signal.reason as Error);
  };
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work(), aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

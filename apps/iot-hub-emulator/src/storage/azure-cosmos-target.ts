import { Agent } from 'node:https';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { CosmosClient, type Container, type OperationInput } from '@azure/cosmos';
import type { Logger } from 'pino';
import { toCosmosDocument, type CosmosDocument, type DocumentOptions } from '../hub/routing/cosmos-document.js';
import type { DeliveryResult, DeliveryTarget } from '../hub/routing/delivery-target.js';
import { readPartitionKeyTemplate } from '../hub/routing/partition-key-template.js';
import type { CheckedCosmosDbEndpoint } from '../hub/routing/routing-config.js';
import type { LoggedMessage } from '../hub/messages/hub-message.js';
import { DeliveryPace } from './delivery-pace.js';

/** A request with more would be split by the SDK, and its parts sent side by side: out of order. */
const BATCH_BYTES = 200 * 1024;
const REQUEST_TIMEOUT_MS = 10_000;
/** Statuses that say that a document as such will never be taken. */
const REFUSED = new Set([400, 413]);
const REMEMBERED_WARNINGS = 10_000;

export interface CosmosTargetParts {
  readonly endpoint: CheckedCosmosDbEndpoint;
  readonly hubName: string;
  /** Tells this database's log from every other one. */
  readonly logId: string;
  /** PEM of a further certificate authority that an account near by may have its certificate from. */
  readonly caCertificate: string;
  readonly logger: Logger;
}

/**
 * A container of Cosmos DB as an endpoint, through its own SDK. Nothing is sent before the first delivery. The container
 * has to be there, as for IoT Hub.
 */
export function openCosmosTarget(parts: CosmosTargetParts): DeliveryTarget {
  const { endpoint, caCertificate } = parts;
  const account = readAccount(endpoint);
  const agent = account.endpoint.startsWith('https:')
    ? new Agent({ keepAlive: true, secureContext: trusting(caCertificate) })
    : undefined;
  const client = new CosmosClient({
    ...account,
    connectionPolicy: {
      requestTimeout: REQUEST_TIMEOUT_MS,
      // An account behind a forwarded port names addresses that only it can reach.
      enableEndpointDiscovery: false,
      // Trying again is the endpoint's business: its messages wait, and its state gets known.
      retryOptions: { maxRetryAttemptCount: 0, fixedRetryIntervalInMilliseconds: 0, maxWaitTimeInSeconds: 0 },
    },
    ...(agent && { agent }),
  });
  const container = client.database(endpoint.databaseName).container(endpoint.containerName);
  return new CosmosTarget(container, parts, () => {
    client.dispose();
    agent?.destroy();
  });
}

/**
 * A context, not a list of authorities: of that, the agent makes one long text with every request, to find a connection.
 */
function trusting(caCertificate: string): SecureContext {
  return createSecureContext({ ca: [...getCACertificates('default'), caCertificate] });
}

class CosmosTarget implements DeliveryTarget {
  readonly close: () => void;
  private readonly options: DocumentOptions;
  /** The SDK's work is done by the process that also takes in messages. */
  private readonly pace = new DeliveryPace();
  private checked = false;
  /** By device, the last reason it was warned of. */
  private readonly warned = new Map<string, string>();

  constructor(
    private readonly container: Container,
    private readonly parts: CosmosTargetParts,
    close: () => void,
  ) {
    const { hubName, logId, endpoint } = parts;
    this.close = close;
    this.options = {
      hubName,
      logId,
      partitionKeyName: endpoint.partitionKeyName,
      partitionKey: readPartitionKeyTemplate(endpoint.partitionKeyTemplate),
    };
  }

  ready(signal: AbortSignal): Promise<void> {
    return this.pace.ready(signal);
  }

  deliver(messages: readonly LoggedMessage[], signal: AbortSignal): Promise<DeliveryResult> {
    return this.pace.run(() => this.write(messages, signal));
  }

  private async write(messages: readonly LoggedMessage[], signal: AbortSignal): Promise<DeliveryResult> {
    try {
      const problem = await this.check(signal);
      if (problem !== undefined) return { taken: 0, failure: { reason: problem, refused: false } };
      const documents = this.documentsOf(messages);
      const [only] = documents;
      if (documents.length === 1 && only !== undefined) return await this.writeOne(only, signal);
      return await this.writeMany(documents, signal);
    } catch (cause) {
      return { taken: 0, failure: { reason: reasonOf(cause), refused: false } };
    }
  }

  /** A container with another partition key would refuse every single document. */
  private async check(signal: AbortSignal): Promise<string | undefined> {
    if (this.checked) return undefined;
    const { resource } = await this.container.read({ abortSignal: signal });
    const paths = resource?.partitionKey?.paths ?? [];
    const wanted = `/${this.options.partitionKeyName}`;
    if (paths.length !== 1 || paths[0] !== wanted) {
      return `the container's partition key is ${paths.join(', ') || 'none'}, the endpoint's partitionKeyName wants ${wanted}`;
    }
    this.checked = true;
    return undefined;
  }

  private documentsOf(messages: readonly LoggedMessage[]): CosmosDocument[] {
    const documents: CosmosDocument[] = [];
    let sizeBytes = 0;
    for (const message of messages) {
      const document = toCosmosDocument(message, this.options);
      sizeBytes += Buffer.byteLength(JSON.stringify(document.content));
      if (documents.length > 0 && sizeBytes > BATCH_BYTES) break;
      if (document.base64Because !== undefined) this.warnOfBase64(message.deviceId, document.base64Because);
      documents.push(document);
    }
    return documents;
  }

  private async writeOne({ content, partitionKey }: CosmosDocument, signal: AbortSignal): Promise<DeliveryResult> {
    try {
      // The partition key is in the content; the SDK finds it there.
      await this.container.items.upsert({ ...content, id: content.id as string }, { abortSignal: signal });
      return { taken: 1 };
    } catch (cause) {
      const status = (cause as { code?: unknown }).code;
      if (typeof status !== 'number' || !REFUSED.has(status)) throw cause;
      return { taken: 0, failure: { reason: `status ${status} for partition key ${partitionKey}`, refused: true } };
    }
  }

  private async writeMany(documents: readonly CosmosDocument[], signal: AbortSignal): Promise<DeliveryResult> {
    const operations = documents.map(({ content, partitionKey }): OperationInput => ({
      operationType: 'Upsert',
      partitionKey,
      resourceBody: content,
    }));
    // After a failure nothing more is written, so that a device's messages never overtake each other.
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- its successor waits a second for every batch that is not full
    const results = await this.container.items.bulk(
      operations,
      { continueOnError: false },
      { abortSignal: signal, contentResponseOnWriteEnabled: false },
    );
    const taken = results.findIndex((result) => result.statusCode >= 400);
    if (taken < 0) return { taken: results.length };
    const status = results[taken]?.statusCode ?? 0;
    return { taken, failure: { reason: `status ${status}`, refused: REFUSED.has(status) } };
  }

  private warnOfBase64(deviceId: string, reason: string): void {
    if (this.warned.get(deviceId) === reason) return;
    if (this.warned.size >= REMEMBERED_WARNINGS) this.warned.clear();
    this.warned.set(deviceId, reason);
    this.parts.logger.warn(
      { endpoint: this.parts.endpoint.name, deviceId, reason },
      'Message body stored as base64; send content type application/json and content encoding utf-8 for JSON',
    );
  }
}

/** Account address and key. The connection string is not quoted in errors: it holds the key. */
function readAccount({ connectionString, endpointUri, primaryKey }: CheckedCosmosDbEndpoint): {
  endpoint: string;
  key: string;
} {
  if (connectionString === undefined) return { endpoint: endpointUri ?? '', key: primaryKey ?? '' };
  const fields = new Map(
    connectionString.split(';').map((field): [string, string] => {
      const at = field.indexOf('=');
      return [field.slice(0, at).trim().toLowerCase(), field.slice(at + 1).trim()];
    }),
  );
  return { endpoint: fields.get('accountendpoint') ?? '', key: fields.get('accountkey') ?? '' };
}

function reasonOf(cause: unknown): string {
  const { code, message } = cause as { code?: unknown; message?: unknown };
  if (code === 404) return 'there is no such database or container (404)';
  if (typeof code === 'number') return `status ${code}`;
  if (typeof code === 'string' && code !== '') return code;
  return typeof message === 'string' ? message.slice(0, 200) : 'unknown';
}

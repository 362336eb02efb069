import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AppError, type Logger, readRequestText } from '#libs/runtime';
import { ACCOUNT_KEY, requireSignature } from './account-key.js';
import { guardCaller } from './caller-guard.js';
import { badRequest, CosmosError } from './cosmos-error.js';
import type { Reply } from './call.js';
import type { Retention } from './documents.js';
import { DurableStore } from './durable-store.js';
import { LocalAccount } from './local-account.js';
import { parseResourcePath } from './resource-path.js';

/** How to start the server. */
export interface LocalCosmosOptions extends Partial<Retention> {
  /** PEM file of the server's certificate, which should be good for localhost and 127.0.0.1. */
  readonly certFile: string;
  readonly keyFile: string;
  /** Where the documents are kept; one server at a time may use it. */
  readonly dataDirectory: string;
  /** The default, 0, lets the system choose. The address is always 127.0.0.1. */
  readonly port?: number;
  readonly logger?: Logger;
  /** Milliseconds since 1970; the default is the system's clock. */
  readonly now?: () => number;
}

/** A running server. */
export interface LocalCosmos {
  /** Such as `https://127.0.0.1:8081/`. */
  readonly url: string;
  /** For every SDK of Cosmos DB that trusts the certificate. */
  readonly connectionString: string;
  /** Ends connections and closes the files; nothing that was acknowledged is lost without it. */
  close(): Promise<void>;
}

const ADDRESS = '127.0.0.1';
const DEFAULT_RETENTION: Retention = { maxDocuments: 2_000, maxAgeMs: 7 * 86_400_000 };
const RETENTION_PAUSE_MS = 60_000;
/** A bulk of the largest size that the SDKs send, and room. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;
const REQUEST_LIMIT_MS = 30_000;
const MAX_CONNECTIONS = 256;

/**
 * Serves the protocol of Azure Cosmos DB for NoSQL over HTTPS; an acknowledged write is on disk.
 *
 * @throws {@link AppError} `LOCAL_COSMOS.PORT_BUSY`, `LOCAL_COSMOS.DATA_UNREADABLE` or `LOCAL_COSMOS.TLS_UNREADABLE`.
 */
export async function startLocalCosmos(options: LocalCosmosOptions): Promise<LocalCosmos> {
  const { port = 0, logger, now = Date.now } = options;
  const tls = readTlsFiles(options);
  const store = new DurableStore(options.dataDirectory);
  const { maxDocuments, maxAgeMs } = { ...DEFAULT_RETENTION, ...options };
  const account = new LocalAccount(store, { maxDocuments, maxAgeMs, now });
  const server = createServer({ ...tls, requestTimeout: REQUEST_LIMIT_MS }, (request, response) => {
    void serve({ account, store, logger }, request, response);
  });
  server.maxConnections = MAX_CONNECTIONS;
  await listen(server, port).catch((error: unknown) => {
    store.close();
    throw error;
  });
  const retention = setInterval(() => {
    account.applyRetention();
  }, RETENTION_PAUSE_MS).unref();
  const url = `https://${ADDRESS}:${(server.address() as AddressInfo).port}/`;
  return {
    url,
    connectionString: `AccountEndpoint=${url};AccountKey=${ACCOUNT_KEY};`,
    close: async () => {
      clearInterval(retention);
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
      store.close();
    },
  };
}

interface Services {
  readonly account: LocalAccount;
  readonly store: DurableStore;
  readonly logger: Logger | undefined;
}

async function serve(services: Services, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const startedAt = performance.now();
  const reply = await answer(services, request).catch((error: unknown) => refusal(error, services.logger));
  const { status, body, headers } = reply;
  response.writeHead(status, {
    'content-type': 'application/json',
    'x-ms-request-charge': '1',
    ...(hasEtag(body) && { etag: body._etag }),
    ...headers,
  });
  response.end(body === undefined || status === 304 ? undefined : JSON.stringify(body));
  const durationMs = Math.round(performance.now() - startedAt);
  // Paths hold ids alone; queries and documents stay out of the log.
  services.logger?.debug({ method: request.method, path: request.url, status, durationMs }, 'answered');
}

async function answer({ account, store }: Services, request: IncomingMessage): Promise<Reply> {
  guardCaller(request);
  const path = parseResourcePath(request.url ?? '');
  requireSignature(request, path);
  const body = parseBody(await readBody(request));
  store.requireWorking();
  const reply = account.answer({ method: request.method ?? '', path, headers: request.headers, body });
  await store.committed();
  return reply;
}

function refusal(error: unknown, logger: Logger | undefined): Reply {
  if (error instanceof CosmosError) {
    logger?.debug(error.message);
    return { status: error.status, body: error };
  }
  logger?.error({ err: error }, 'a request failed');
  const message = error instanceof AppError ? error.message : 'The local Cosmos DB failed; its log says why.';
  return { status: 500, body: new CosmosError(500, 'InternalServerError', message) };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const text = await readRequestText(request, MAX_BODY_BYTES);
  if (text !== undefined) return text;
  throw new CosmosError(413, 'RequestEntityTooLarge', `A request may have ${MAX_BODY_BYTES} bytes.`);
}

function parseBody(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw badRequest('The body is not JSON.');
  }
}

function hasEtag(body: unknown): body is { _etag: string } {
  return typeof body === 'object' && body !== null && '_etag' in body && typeof body._etag === 'string';
}

function readTlsFiles({ certFile, keyFile }: LocalCosmosOptions): { cert: Buffer; key: Buffer } {
  try {
    return { cert: readFileSync(certFile), key: readFileSync(keyFile) };
  } catch (cause) {
    throw new AppError('LOCAL_COSMOS.TLS_UNREADABLE', 'The certificate or its key cannot be read.', {
      hint: 'Correct LOCAL_COSMOS_CERT_FILE and LOCAL_COSMOS_KEY_FILE; `iot-hub-emulator certificates` makes both.',
      cause,
    });
  }
}

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port, ADDRESS);
  try {
    await once(server, 'listening');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause;
    throw new AppError('LOCAL_COSMOS.PORT_BUSY', `Port ${port} on ${ADDRESS} is in use by another program.`, {
      hint: "Stop that program (Microsoft's Cosmos DB emulator uses 8081 too), or set LOCAL_COSMOS_PORT to another port.",
      cause,
    });
  }
}

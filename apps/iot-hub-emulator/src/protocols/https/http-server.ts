import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { HubError } from '../../hub/errors/hub-errors.js';
import type { Hub } from '../../hub/hub.js';
import { cloudToDeviceRoutes } from './cloud-to-device.routes.js';
import { deviceMessageRoutes } from './device-messages.routes.js';
import { peerOf } from '../peer.js';
import { errorReply } from './error-reply.js';
import { fileUploadRoutes } from './file-uploads.routes.js';
import { healthRoutes } from './health.routes.js';
import type { HttpReply, HttpRoute } from './http-route.js';
import { configurationRoutes } from './configurations.routes.js';
import { jobRoutes } from './jobs.routes.js';
import { methodRoutes } from './methods.routes.js';
import { metricsRoutes } from './metrics.routes.js';
import { notImplementedRoutes } from './not-implemented.routes.js';
import { queryRoutes } from './query.routes.js';
import { registryRoutes } from './registry.routes.js';
import { drainBody } from './request-body.js';
import { ReplyTurns } from './reply-turns.js';
import { createRouter } from './router.js';
import { serviceBoundRoutes } from './service-bound.routes.js';
import { twinRoutes } from './twins.routes.js';

/** A slow client must have sent its headers, and the whole request, within this time; looked at that often: 30 s at most. */
const HEADERS_TIMEOUT_MS = 10_000;
const TIMEOUT_CHECK_INTERVAL_MS = 2_000;
const REQUEST_TIMEOUT_MS = 20_000;
/** Longer than clients keep idle connections, so that they close them and not we under their next request. */
const KEEP_ALIVE_TIMEOUT_MS = 120_000;
/** For a client to take a reply in, once it is made: what is not read by then would be kept for it. 4 MiB come at 70 KiB/s. */
const REPLY_TIMEOUT_MS = 60_000;
/** Message properties travel as headers. */
const MAX_HEADER_BYTES = 64 * 1024;

/** What HTTP itself refuses, by Node's code for it. Anything else is a bad request. */
const MALFORMED: Readonly<Record<string, readonly [status: string, error: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'RequestTimeout'],
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'HeadersTooLarge'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['413 Payload Too Large', 'MessageTooLarge'],
};

const ROUTES: readonly HttpRoute[] = [
  ...healthRoutes,
  ...metricsRoutes,
  ...registryRoutes,
  ...twinRoutes,
  ...methodRoutes,
  ...queryRoutes,
  ...jobRoutes,
  ...configurationRoutes,
  ...deviceMessageRoutes,
  ...cloudToDeviceRoutes,
  ...serviceBoundRoutes,
  ...fileUploadRoutes,
  ...notImplementedRoutes,
];

/**
 * IoT Hub's HTTPS interface, for services and for devices, over the hub's operations. The server does not listen:
 * hand it connections through its `connection` event.
 */
export function createHttpServer(hub: Hub): Server {
  const findRoute = createRouter(ROUTES);
  const turns = new ReplyTurns();
  const server = createServer(
    {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_INTERVAL_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
    },
    (request, response) => {
      answer(request, response).catch((cause: unknown) => {
        hub.logger.error({ peer: peerOf(request.socket), err: cause }, 'Reply failed');
        response.destroy();
      });
    },
  );
  server.on('clientError', refuseBytes);
  return server;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => {
      gone.abort();
    });
    await turns.take(request, response);
    if (request.socket.destroyed) return;
    const url = request.url ?? '/';
    const at = url.indexOf('?');
    const path = at < 0 ? url : url.slice(0, at);
    let shape: HttpRoute['errors'];
    let reply: EncodedReply;
    try {
      const { route, params } = findRoute(request.method ?? '', path);
      shape = route.errors;
      const query = new URLSearchParams(at < 0 ? '' : url.slice(at + 1));
      reply = encoded(await route.handle({ hub, request, params, query, signal: gone.signal }));
    } catch (cause) {
      if (gone.signal.aborted) return;
      const error =
        cause instanceof HubError ? cause : new HubError('ServerError', 'The hub failed to do this.', { cause });
      logRefusal(request, path, error);
      reply = encoded(errorReply(hub.clock, error, shape));
      await drainBody(request);
    }
    expectRead(request, response);
    send(request, response, reply);
  }

  /** Ends a connection on which something else than HTTP came, or not in time. */
  function refuseBytes(cause: NodeJS.ErrnoException, socket: Duplex): void {
    // A client that has gone is told nothing, and refused nothing.
    if (cause.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const [status, error] = MALFORMED[cause.code ?? ''] ?? ['400 Bad Request', 'MalformedRequest'];
    hub.metrics.refusals.add('https', error);
    hub.logger.warn({ peer: peerOf(socket as Socket), error, reason: cause.message }, 'Request refused');
    const { _httpMessage: underWay } = socket as { _httpMessage?: ServerResponse | null };
    if (underWay?.headersSent) {
      // In the middle of a reply nothing else can be said.
      socket.destroy();
      return;
    }
    // Else it would be open for as long as the client likes.
    socket.once('finish', () => socket.destroy());
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  }

  /** Closes the connection of a client that does not read its reply in time. */
  function expectRead({ socket }: IncomingMessage, response: ServerResponse): void {
    if (response.destroyed) return;
    const cancel = hub.clock.after(REPLY_TIMEOUT_MS, () => {
      const reason = `the reply was not read within ${REPLY_TIMEOUT_MS} ms`;
      hub.metrics.refusals.add('https', 'ReplyTimeout');
      hub.logger.warn({ peer: peerOf(socket), reason }, 'Connection closed by the hub');
      response.destroy();
    });
    response.once('close', cancel);
  }

  function logRefusal(request: IncomingMessage, path: string, error: HubError): void {
    hub.metrics.refusals.add('https', error.errorName);
    const facts = {
      peer: peerOf(request.socket),
      request: `${request.method ?? ''} ${path.slice(0, 512)}`,
      error: error.errorName,
      code: error.code,
      reason: error.reason,
    };
    if (error.errorName === 'ServerError') hub.logger.error({ ...facts, err: error.cause }, 'Request failed');
    else hub.logger.warn(facts, 'Request refused');
  }
}

/** A reply whose body, if any, is bytes: JSON unless it was bytes already. */
function encoded({ status, body, headers = {} }: HttpReply): EncodedReply {
  if (body === undefined) return { status, headers: status === 204 ? headers : { 'content-length': 0, ...headers } };
  if (body instanceof Uint8Array) return { status, body, headers: { 'content-length': body.length, ...headers } };
  const bytes = Buffer.from(JSON.stringify(body));
  const type = 'application/json; charset=utf-8';
  return { status, body: bytes, headers: { 'content-type': type, 'content-length': bytes.length, ...headers } };
}

function send(request: IncomingMessage, response: ServerResponse, { status, body, headers }: EncodedReply): void {
  if (response.destroyed) return;
  response.writeHead(status, {
    // The rest of a request that was too much to read would be taken for the next one.
    ...(request.complete ? {} : { connection: 'close' }),
    ...headers,
  });
  response.end(body);
}

interface EncodedReply {
  readonly status: number;
  readonly body?: Uint8Array;
  readonly headers: OutgoingHttpHeaders;
}

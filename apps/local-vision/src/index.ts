import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from '#libs/runtime';
import { ApiError } from './api-error.js';
import { MODEL, readChatRequest } from './chat-request.js';
import { ChatService } from './chat-service.js';
import { asChatCompletion, asChunks } from './completion.js';
import { readJson, sendEvents, sendJson } from './http-exchange.js';
import { JobQueue } from './job-queue.js';
import { MAXIMUM_IMAGE_BYTES } from './vision/limits.js';
import { VisionEngine } from './vision/vision-engine.js';

/** How to start the server; all of it is optional. */
export interface LocalVisionOptions {
  /** The default is 127.0.0.1. There is no authentication. */
  readonly host?: string;
  /** The default, 0, lets the system choose. */
  readonly port?: number;
  /** How many pictures may wait while one is looked at. The default is 8. */
  readonly queueLimit?: number;
  readonly logger?: Logger;
}

/** A running server. */
export interface LocalVision {
  /** For example `http://127.0.0.1:8100`; the API is below `/v1`. */
  readonly url: string;
  /** Ends connections and the worker thread. */
  close(): Promise<void>;
}

/** A base64 picture of the largest size, and room for the rest of the request. */
const MAXIMUM_BODY_BYTES = Math.ceil(MAXIMUM_IMAGE_BYTES / 3) * 4 + 256 * 1024;
const REQUEST_LIMIT_MS = 30_000;
/** Beyond this a connection is reset. Clients keep idle ones for a while, so it is far more than work at once. */
const MAXIMUM_CONNECTIONS = 512;

/**
 * Serves OpenAI's chat completions, answered by an object detector, a text reader and a colour counter in a worker
 * thread. It listens at once; the models load with the first picture.
 */
export async function startLocalVision(options: LocalVisionOptions = {}): Promise<LocalVision> {
  const { host = '127.0.0.1', port = 0, queueLimit = 8, logger } = options;
  const engine = new VisionEngine();
  const queue = new JobQueue(queueLimit);
  const server = createServer(
    { requestTimeout: REQUEST_LIMIT_MS },
    routes({ queue, chat: new ChatService(engine, queue), logger }),
  );
  server.maxConnections = MAXIMUM_CONNECTIONS;
  server.listen(port, host);
  await once(server, 'listening');
  return {
    url: urlOf(server),
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await Promise.all([closed, engine.close()]);
    },
  };
}

interface Services {
  readonly queue: JobQueue;
  readonly chat: ChatService;
  readonly logger: Logger | undefined;
}

function routes({ queue, chat, logger }: Services) {
  const model = { id: MODEL, object: 'model', created: 0, owned_by: 'local' };
  const handlers: Readonly<
    Record<string, (request: IncomingMessage, response: ServerResponse) => void | Promise<void>>
  > = {
    'GET /health': (_, response) => {
      sendJson(response, { status: 'ok', model: MODEL, queue: { length: queue.length, limit: queue.limit } });
    },
    'GET /v1/models': (_, response) => {
      sendJson(response, { object: 'list', data: [model] });
    },
    [`GET /v1/models/${MODEL}`]: (_, response) => {
      sendJson(response, model);
    },
    'POST /v1/chat/completions': (request, response) => completeChat(chat, request, response),
  };
  return (request: IncomingMessage, response: ServerResponse): void => {
    const startedAt = performance.now();
    const route = `${request.method ?? ''} ${(request.url ?? '').split('?', 1)[0] ?? ''}`;
    response.once('close', () => {
      logger?.info(
        { route, status: response.statusCode, durationMs: Math.round(performance.now() - startedAt) },
        'answered',
      );
    });
    const handle = async (): Promise<void> => {
      if (request.headers.origin !== undefined) {
        throw new ApiError('Web pages may not call this server.', { status: 403, code: 'origin_not_allowed' });
      }
      const handler = Object.hasOwn(handlers, route) ? handlers[route] : undefined;
      if (!handler) throw new ApiError(`There is no ${route} here.`, { status: 404, code: 'unknown_url' });
      await handler(request, response);
    };
    handle().catch((error: unknown) => {
      sendError(response, error, logger);
    });
  };
}

async function completeChat(chat: ChatService, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => {
    gone.abort();
  });
  // Before the body, so that a full server does not collect pictures.
  chat.admit();
  const chatRequest = readChatRequest(await readJson(request, MAXIMUM_BODY_BYTES));
  const completion = await chat.answer(chatRequest, gone.signal);
  if (chatRequest.stream) sendEvents(response, asChunks(completion, chatRequest));
  else sendJson(response, asChatCompletion(completion));
}

function sendError(response: ServerResponse, error: unknown, logger: Logger | undefined): void {
  if (response.destroyed || response.headersSent) return;
  if (!(error instanceof ApiError)) logger?.error({ err: error }, 'a request failed');
  const known =
    error instanceof ApiError
      ? error
      : new ApiError('The detector failed; its log says why.', {
          status: 500,
          type: 'server_error',
          code: 'server_error',
        });
  sendJson(response, known.toJSON(), known);
}

function urlOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

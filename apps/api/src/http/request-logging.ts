import type { IncomingMessage, ServerResponse } from 'node:http';
import { errorFields, type Logger } from '#libs/runtime';
import { type HttpLogger, pinoHttp } from 'pino-http';
import { assignRequestId } from './request-id.js';

/** Requests that a machine sends every few seconds. */
const ROUTINE_PATHS = new Set(['/health/live', '/health/ready', '/metrics']);

/**
 * Writes one line a request when it is answered, and puts its id into every line logged meanwhile. Neither headers nor
 * query strings nor bodies are written, since they may hold keys, prompts and pictures.
 */
export function createRequestLogging(logger: Logger): HttpLogger {
  return pinoHttp({
    logger,
    genReqId: assignRequestId,
    quietReqLogger: true,
    customAttributeKeys: { reqId: 'request_id', responseTime: 'duration_ms' },
    // pino-http would write the whole request and response, headers and all.
    serializers: { req: () => undefined, res: () => undefined, err: errorFields },
    wrapSerializers: false,
    customLogLevel: (request: IncomingMessage, response: ServerResponse, error) => {
      if (error ?? response.statusCode >= 500) return 'error';
      return ROUTINE_PATHS.has(pathOf(request.url ?? '')) ? 'debug' : 'info';
    },
    customSuccessMessage: () => 'request answered',
    customSuccessObject: summary,
    customErrorMessage: () => 'request failed',
    // The error itself is in the line of the filter that answered it.
    customErrorObject: (request, response, _error, fields) => summary(request, response, fields as Timing),
  });
}

interface Timing {
  readonly duration_ms: number;
}

function summary({ method, url }: IncomingMessage, { statusCode }: ServerResponse, { duration_ms }: Timing) {
  return { method, path: pathOf(url ?? ''), status: statusCode, duration_ms };
}

function pathOf(url: string): string {
  return url.replace(/\?.*$/s, '');
}

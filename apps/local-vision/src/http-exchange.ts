import type { IncomingMessage, ServerResponse } from 'node:http';
import { readRequestText } from '#libs/runtime';
import { ApiError } from './api-error.js';

/**
 * The JSON value of a request's body.
 *
 * @throws {@link ApiError} 413 beyond `limitBytes`, 415 for another content type, 400 for malformed JSON.
 */
export async function readJson(request: IncomingMessage, limitBytes: number): Promise<unknown> {
  // A web page cannot send this type to another origin without being allowed to, which nobody is.
  if (!/^application\/json\s*(?:;|$)/i.test(request.headers['content-type'] ?? '')) {
    throw new ApiError('The content type must be application/json.', { status: 415, code: 'unsupported_media_type' });
  }
  const text = await readRequestText(request, limitBytes);
  if (text === undefined) {
    throw new ApiError(`The body has more than ${limitBytes} bytes. Scale the picture down.`, {
      status: 413,
      code: 'request_too_large',
    });
  }
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new ApiError('The body is not JSON.', { code: 'invalid_json' });
  }
}

export function sendJson(
  response: ServerResponse,
  value: object,
  { status = 200, headers = {} }: { status?: number; headers?: Readonly<Record<string, string>> } = {},
): void {
  const text = JSON.stringify(value);
  response.writeHead(status, {
    ...headers,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

/** Server-sent events, ended as OpenAI ends them. */
export function sendEvents(response: ServerResponse, events: Iterable<object>): void {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
  for (const event of events) response.write(`data: ${JSON.stringify(event)}\n\n`);
  response.end('data: [DONE]\n\n');
}

import type { IncomingMessage, ServerResponse } from 'node:http';
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
  const tooLarge = (): ApiError =>
    new ApiError(`The body has more than ${limitBytes} bytes. Scale the picture down.`, {
      status: 413,
      code: 'request_too_large',
    });
  if (Number(request.headers['content-length']) > limitBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  // Leaving the loop must not destroy the connection, or the refusal would not arrive.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > limitBytes) break;
    chunks.push(chunk);
  }
  if (sizeBytes > limitBytes) {
    // What is left unread would stand before the next request on this connection.
    request.resume();
    throw tooLarge();
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
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

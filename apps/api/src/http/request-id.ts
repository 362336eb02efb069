import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** What a caller may choose as request id: nothing that could forge a log line or a header. */
const SANE_REQUEST_ID = /^[\w.:-]{1,64}$/;

/** Names the request by its `x-request-id` if that is sane, else by a fresh UUID, and echoes the id to the caller. */
export function assignRequestId(request: IncomingMessage, response: ServerResponse): string {
  const given = request.headers['x-request-id'];
  const id = typeof given === 'string' && SANE_REQUEST_ID.test(given) ? given : randomUUID();
  response.setHeader('x-request-id', id);
  return id;
}

/** The id that {@link assignRequestId} gave to `request`. */
export function requestIdOf(request: IncomingMessage): string {
  return typeof request.id === 'string' ? request.id : '';
}

import type { AppError } from '#libs/runtime';
import type { Request, Response } from 'express';
import { errorCatalogue, findErrorEntry } from './error-catalogue.js';
import type { Problem } from './problem.dto.js';
import { requestIdOf } from './request-id.js';

/** `error` as the caller is told it; a code that is not in the catalogue is shown as `SERVER.FAILED`. */
export function toProblem(request: Request, error: AppError): Problem {
  const known = findErrorEntry(error.code);
  const { status, title, hint } = known ?? errorCatalogue['SERVER.FAILED'];
  const code = known ? error.code : 'SERVER.FAILED';
  return {
    type: `urn:spyglass:error:${code}`,
    title,
    status,
    detail: known ? error.message : `${title}.`,
    code,
    hint: known ? (error.hint ?? hint) : hint,
    request_id: requestIdOf(request),
    ...(known && error.details && Object.keys(error.details).length > 0 && { details: error.details }),
  };
}

/** How long a client may still send after it was refused. */
const LINGER_MS = 3_000;

/** Answers with `error` as `application/problem+json`; a body that still arrives is not waited for. */
export function sendProblem(response: Response, error: AppError): void {
  const problem = toProblem(response.req, error);
  response.removeHeader('ETag');
  response.removeHeader('Content-Disposition');
  response.setHeader('Cache-Control', 'no-store');
  const retryAfter = error.details?.retry_after_seconds;
  if (typeof retryAfter === 'number') response.setHeader('Retry-After', Math.ceil(retryAfter));
  response.status(problem.status).type('application/problem+json');
  const text = JSON.stringify(problem);
  if (bodyArrives(response.req)) sendAndLinger(response, text);
  else response.send(text);
}

/** Express runs before a request without a body counts as complete. */
function bodyArrives({ complete, headers }: Request): boolean {
  return !complete && (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0);
}

/**
 * Gives the client the whole answer, and a moment to read it and stop: to close with bytes unread would reset the connection,
 * and the answer with it.
 */
function sendAndLinger(response: Response, text: string): void {
  const { req: request } = response;
  response.setHeader('Connection', 'close');
  response.setHeader('Content-Length', Buffer.byteLength(text));
  response.write(text);
  const end = (): void => {
    response.end();
  };
  const limit = setTimeout(end, LINGER_MS);
  response.once('close', () => {
    clearTimeout(limit);
  });
  request.once('end', end).once('error', end).resume();
}

import type { AppError } from '#libs/runtime';
import type { Response } from 'express';
import { errorCatalogue, findErrorEntry } from './error-catalogue.js';
import type { Problem } from './problem.dto.js';
import { requestIdOf } from './request-id.js';

/** Answers with `error` as `application/problem+json`; a code that is not in the catalogue is shown as `SERVER.FAILED`. */
export function sendProblem(response: Response, error: AppError): void {
  const known = findErrorEntry(error.code);
  const { status, title, hint } = known ?? errorCatalogue['SERVER.FAILED'];
  const code = known ? error.code : 'SERVER.FAILED';
  const problem: Problem = {
    type: `urn:spyglass:error:${code}`,
    title,
    status,
    detail: known ? error.message : `${title}.`,
    code,
    hint: known ? (error.hint ?? hint) : hint,
    request_id: requestIdOf(response.req),
    ...(known && error.details && Object.keys(error.details).length > 0 && { details: error.details }),
  };
  response.removeHeader('ETag');
  response.removeHeader('Content-Disposition');
  response.setHeader('Cache-Control', 'no-store');
  const retryAfter = error.details?.retry_after_seconds;
  if (typeof retryAfter === 'number') response.setHeader('Retry-After', Math.ceil(retryAfter));
  response.status(status).type('application/problem+json').send(JSON.stringify(problem));
}

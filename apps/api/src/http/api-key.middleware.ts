import { createHash, timingSafeEqual } from 'node:crypto';
import { AppError } from '#libs/runtime';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { HttpConfig } from '../api.config.js';
import { sendProblem } from './send-problem.js';
import { SWAGGER_PATHS } from './swagger.js';

/** What is served without a key, beside the Swagger page. */
const LIVENESS_PATH = '/health/live';

/**
 * Asks every request for one of the configured keys in `x-api-key`, before its body is read. Any of them is accepted,
 * so that keys can be rotated one by one.
 */
export function requireApiKey({ apiKeys }: HttpConfig): RequestHandler {
  const digests = apiKeys.map(digest);
  return (request: Request, response: Response, next: NextFunction) => {
    if (digests.length === 0 || isOpen(request.path) || matches(request.headers['x-api-key'], digests)) {
      next();
      return;
    }
    const given = request.headers['x-api-key'] !== undefined;
    sendProblem(
      response,
      new AppError('REQUEST.UNAUTHORIZED', given ? 'The API key is not valid.' : 'The header x-api-key is missing.'),
    );
  };
}

function isOpen(path: string): boolean {
  return path === LIVENESS_PATH || SWAGGER_PATHS.test(path);
}

/** Compares digests of equal length, all of them, so that the time tells nothing about the keys. */
function matches(given: string | string[] | undefined, digests: readonly Buffer[]): boolean {
  if (typeof given !== 'string') return false;
  const candidate = digest(given);
  return digests.reduce((found, known) => timingSafeEqual(candidate, known) || found, false);
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

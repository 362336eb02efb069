import type { Failure } from './failures.js';
import { SpyglassError } from './spyglass-error.js';

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 8_000;

const IDEMPOTENT_METHODS = new Set(['GET', 'HEAD', 'PUT', 'DELETE']);

/** The request was refused before anything was done: it may be sent again, whatever it asks for. */
const REFUSED = new Set([429, 503]);

/** Something between the API and what it asks has failed, perhaps for a moment. */
const FAILED = new Set([502, 504]);

/** What only a person can mend, whatever the status. */
const LASTING = /\.(?:NOT_CONFIGURED|UNAUTHORIZED|ACCESS_DENIED|QUOTA_EXCEEDED|\w*NOT_FOUND)$/;

/**
 * How long to wait before a failed call is sent again, in milliseconds; undefined when it must not be.
 *
 * Calls that are refused as too many (429, 503) are sent again; after any other failure that may pass only those that
 * repeat harmlessly (GET, HEAD, PUT, DELETE). The delay doubles with each attempt, up to 8 s, and is cut by a random part
 * of up to a half, so that clients which failed together do not come back together; `Retry-After` is kept in full.
 */
export function retryDelayMs(
  method: string,
  failure: Failure,
  attempt: number,
  random = Math.random(),
): number | undefined {
  const { error, retryAfterMs } = failure;
  if (!(error instanceof SpyglassError) || !mayPass(error, IDEMPOTENT_METHODS.has(method))) return undefined;
  const backoffMs = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt - 1)) * (1 - random / 2);
  return retryAfterMs ?? backoffMs;
}

function mayPass({ code, status }: SpyglassError, idempotent: boolean): boolean {
  if (LASTING.test(code)) return false;
  if (status === undefined) return idempotent && code === 'CLIENT.CONNECTION_FAILED';
  return REFUSED.has(status) || (idempotent && FAILED.has(status));
}

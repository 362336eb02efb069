import type { Problem } from './generated/models/index.js';
import { FetchError, RequiredError, ResponseError } from './generated/runtime.js';
import { SpyglassError } from './spyglass-error.js';

/** A failed attempt: the error, and how long the API asks to wait before the next. */
export interface Failure {
  error: unknown;
  retryAfterMs?: number | undefined;
}

/** Explains what the generated code, `fetch` or the reading of a body has thrown. */
export async function explain(thrown: unknown): Promise<Failure> {
  if (thrown instanceof SpyglassError) return { error: thrown };
  if (thrown instanceof ResponseError) return explainResponse(thrown.response);
  if (thrown instanceof RequiredError) return { error: invalidArgument(`${thrown.field} is missing.`) };
  const cause = thrown instanceof FetchError ? thrown.cause : thrown;
  return { error: nameOf(cause) === 'SyntaxError' ? unexpectedAnswer({ cause }) : connectionFailed(cause) };
}

/** @returns an error for an argument that cannot be sent. */
export function invalidArgument(message: string): SpyglassError {
  return new SpyglassError(message, { code: 'CLIENT.INVALID_ARGUMENT', hint: 'Correct the argument.' });
}

/** @returns an error for a call that took too long. */
export function timedOut(timeoutMs: number): SpyglassError {
  return new SpyglassError(`The call was not answered within ${String(timeoutMs)} ms.`, {
    code: 'CLIENT.TIMEOUT',
    hint: 'Allow more time with timeoutMs, or look at what keeps the API busy.',
  });
}

/** @returns an error for an answer that did not come, or not whole. */
export function connectionFailed(cause: unknown): SpyglassError {
  return new SpyglassError(`The connection to the API failed: ${reasonOf(cause)}`, {
    code: 'CLIENT.CONNECTION_FAILED',
    hint: 'Check that the API runs at baseUrl; for a web page, that CORS_ORIGINS lists its origin.',
    cause,
  });
}

/** @returns an error for an answer that the API does not give. */
export function unexpectedAnswer(facts: {
  status?: number;
  requestId?: string | undefined;
  cause?: unknown;
}): SpyglassError {
  return new SpyglassError(
    facts.status === undefined
      ? 'The answer is not what the API answers.'
      : `The answer has status ${String(facts.status)} and is not a problem that the API describes.`,
    {
      code: 'CLIENT.UNEXPECTED_ANSWER',
      hint: 'Check that baseUrl is that of a Spyglass API and which proxies lie in between.',
      ...facts,
    },
  );
}

async function explainResponse(response: Response): Promise<Failure> {
  const retryAfterMs = parseRetryAfter(response.headers.get('retry-after'));
  const { status } = response;
  const requestId = response.headers.get('x-request-id') ?? undefined;
  let problem: unknown;
  try {
    problem = await response.json();
  } catch (cause) {
    return { error: unexpectedAnswer({ status, requestId, cause }), retryAfterMs };
  }
  if (!isProblem(problem)) return { error: unexpectedAnswer({ status, requestId }), retryAfterMs };
  const { detail, code, hint, details, request_id } = problem;
  return { error: new SpyglassError(detail, { code, hint, status, requestId: request_id, details }), retryAfterMs };
}

/** @see https://www.rfc-editor.org/rfc/rfc9110#field.retry-after seconds or a date */
function parseRetryAfter(value: string | null): number | undefined {
  if (value === null) return undefined;
  const ms = /^\s*\d+\s*$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

function isProblem(value: unknown): value is Problem {
  if (typeof value !== 'object' || value === null) return false;
  const { code, hint, detail } = value as Partial<Record<keyof Problem, unknown>>;
  return typeof code === 'string' && typeof hint === 'string' && typeof detail === 'string';
}

/** Told by name: an error of another realm, such as another window, is no instance of this one's classes. */
function nameOf(thrown: unknown): unknown {
  return typeof thrown === 'object' && thrown !== null && 'name' in thrown ? thrown.name : undefined;
}

/** `fetch` says only that it failed; in Node.js its cause says why. */
function reasonOf(thrown: unknown): string {
  const { cause, message } = (typeof thrown === 'object' && thrown !== null ? thrown : {}) as Partial<Error>;
  const { message: deeper, code } = (typeof cause === 'object' && cause !== null ? cause : {}) as Partial<
    Error & { code: unknown }
  >;
  return (deeper !== undefined && deeper !== '' ? deeper : typeof code === 'string' ? code : message) ?? String(thrown);
}

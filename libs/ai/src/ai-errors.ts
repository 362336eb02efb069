import { AppError, type AppErrorOptions, isCredentialFailure } from '#libs/runtime';

/** Every code that this library throws. */
export type AiErrorCode =
  | 'AI.NOT_CONFIGURED'
  | 'AI.BAD_REQUEST'
  | 'AI.UNAUTHORIZED'
  | 'AI.MODEL_NOT_FOUND'
  | 'AI.RATE_LIMITED'
  | 'AI.UNAVAILABLE'
  | 'AI.FAILED'
  | 'AI.TIMEOUT';

const MESSAGES: Readonly<Record<AiErrorCode, readonly [message: string, hint: string]>> = {
  'AI.NOT_CONFIGURED': ['No AI server is configured.', 'Set the endpoint of an OpenAI-compatible server.'],
  'AI.BAD_REQUEST': [
    'The AI server does not accept the request.',
    'details.reason gives its reason: the model may take no images, no such schema, or not so much text.',
  ],
  'AI.UNAUTHORIZED': ['The AI server refuses the credentials.', 'Check its key, or the rights of the identity.'],
  'AI.MODEL_NOT_FOUND': [
    'The AI server knows no such model or address.',
    'Check the endpoint and the model (on Azure the name of the deployment) in the settings.',
  ],
  'AI.RATE_LIMITED': ['The AI server is asked too often.', 'Wait and repeat the request.'],
  'AI.UNAVAILABLE': ['The AI server cannot be reached, or is down.', 'Check its endpoint, and that it is running.'],
  'AI.FAILED': ['The AI server has answered with an error.', 'Repeat the request; if it lasts, look at its log.'],
  'AI.TIMEOUT': ['The AI server did not answer in time.', 'Ask for less, or allow more time in the settings.'],
};

/** The longest part of the server's own reason that is passed on. */
const MAX_REASON_LENGTH = 500;

/** The error of a code, with its standard message and hint. */
export function aiError(code: AiErrorCode, options: Omit<AppErrorOptions, 'hint'> = {}): AppError {
  const [message, hint] = MESSAGES[code];
  return new AppError(code, message, { hint, ...options });
}

/** What a failure of the `openai` client means, told by status and code, never by message text. */
export function translateAiError(error: unknown): unknown {
  if (error instanceof AppError) return error;
  const { status, message, headers, code, name } = error as ApiErrorLike;
  // The client's own error holds headers and perhaps the prompt: only harmless facts go on to the log.
  const cause = new Error([name, status, code].filter(Boolean).join(' '));
  if (isCredentialFailure(error)) return aiError('AI.UNAUTHORIZED', { cause });
  switch (status) {
    case undefined:
      return aiError('AI.UNAVAILABLE', { cause });
    case 401:
    case 403:
      return aiError('AI.UNAUTHORIZED', { cause });
    case 404:
      return aiError('AI.MODEL_NOT_FOUND', { cause });
    case 400:
    case 413:
    case 415:
    case 422:
      return aiError('AI.BAD_REQUEST', { cause, details: { reason: message.slice(0, MAX_REASON_LENGTH) } });
    case 429:
      return aiError('AI.RATE_LIMITED', { cause, details: { retry_after_seconds: retryAfterSeconds(headers) } });
    case 502:
    case 503:
      return aiError('AI.UNAVAILABLE', { cause });
    case 408:
    case 504:
      return aiError('AI.TIMEOUT', { cause });
    default:
      return aiError('AI.FAILED', { cause });
  }
}

interface ApiErrorLike extends Error {
  status?: number;
  code?: string | null;
  headers?: Headers;
}

const DEFAULT_RETRY_AFTER_SECONDS = 10;

function retryAfterSeconds(headers: Headers | undefined): number {
  const value = headers?.get('retry-after');
  if (!value) return DEFAULT_RETRY_AFTER_SECONDS;
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(1, Math.ceil(seconds)) : DEFAULT_RETRY_AFTER_SECONDS;
}

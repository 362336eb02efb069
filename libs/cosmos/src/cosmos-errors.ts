import { AppError, type AppErrorOptions, isCredentialFailure } from '#libs/runtime';

/** Every code that this library throws. */
export type CosmosErrorCode =
  | 'COSMOS.ACCESS_DENIED'
  | 'COSMOS.CONTAINER_NOT_FOUND'
  | 'COSMOS.FAILED'
  | 'COSMOS.UNREACHABLE'
  | 'COSMOS.NOT_CONFIGURED'
  | 'COSMOS.THROTTLED'
  | 'COSMOS.TIMEOUT';

const MESSAGES: Readonly<Record<CosmosErrorCode, readonly [string, string]>> = {
  'COSMOS.ACCESS_DENIED': [
    'Cosmos DB refused the credentials.',
    'Check the account key, or the data-plane role of the identity, and that the clock is right.',
  ],
  'COSMOS.CONTAINER_NOT_FOUND': [
    'The database or container does not exist.',
    'Create it, or correct COSMOS_DATABASE_NAME and COSMOS_CONTAINER_NAME.',
  ],
  'COSMOS.FAILED': ['Cosmos DB answered with an error.', 'Try again; the log has what it answered.'],
  'COSMOS.UNREACHABLE': [
    'Cosmos DB cannot be reached.',
    'Check its endpoint in the settings, that it is running, and that its certificate is trusted.',
  ],
  'COSMOS.NOT_CONFIGURED': ['No Cosmos DB is configured.', 'Set COSMOS_CONNECTION_STRING, or COSMOS_ENDPOINT.'],
  'COSMOS.THROTTLED': ['Cosmos DB is busy and asks to slow down.', 'Try again a little later.'],
  'COSMOS.TIMEOUT': ['Cosmos DB did not answer in time.', 'Try again; if it stays so, check the network.'],
};

/** The error of a code, with its standard message and hint. */
export function cosmosError(code: CosmosErrorCode, options: Omit<AppErrorOptions, 'hint'> = {}): AppError {
  const [message, hint] = MESSAGES[code];
  return new AppError(code, message, { hint, ...options });
}

const BY_STATUS: Readonly<Record<number, CosmosErrorCode>> = {
  401: 'COSMOS.ACCESS_DENIED',
  403: 'COSMOS.ACCESS_DENIED',
  404: 'COSMOS.CONTAINER_NOT_FOUND',
  408: 'COSMOS.TIMEOUT',
  429: 'COSMOS.THROTTLED',
};

/**
 * What a failure of `@azure/cosmos` means, told by its status or code, never by message text. An {@link AppError} passes
 * unchanged.
 *
 * @see https://learn.microsoft.com/rest/api/cosmos-db/http-status-codes-for-cosmosdb
 */
export function translateCosmosError(error: unknown): unknown {
  if (error instanceof AppError || typeof error !== 'object' || error === null) return error;
  const { name, code, substatus, activityId, retryAfterInMs, cause: inner } = error as SdkError;
  if (isCredentialFailure(error)) return cosmosError('COSMOS.ACCESS_DENIED', { cause: new Error(name) });
  // A bulk wraps what has happened to its requests.
  if (code === undefined && typeof inner === 'object' && inner !== null) return translateCosmosError(inner);
  // Node's errors of a fired signal have numbers of their own.
  const status = typeof code === 'number' && code >= 100 ? code : undefined;
  // The SDK's own error holds the whole request and its diagnostics: only harmless facts go on to the log.
  const cause = new Error([name, code, substatus].filter(Boolean).join(' '));
  const details = {
    ...(status !== undefined && { cosmos_status: status }),
    ...(substatus !== undefined && { cosmos_substatus: substatus }),
    ...(activityId !== undefined && { cosmos_activity_id: activityId }),
    ...(retryAfterInMs !== undefined && { retry_after_seconds: retryAfterInMs / 1000 }),
  };
  return cosmosError(status === undefined ? withoutStatus({ name, code }) : (BY_STATUS[status] ?? 'COSMOS.FAILED'), {
    cause,
    details,
  });
}

/** The parts of the SDK's errors that are looked at. */
interface SdkError {
  readonly name: string;
  /** An HTTP status, or Node's code of a broken connection. */
  readonly code?: number | string | undefined;
  readonly substatus?: number;
  readonly activityId?: string;
  readonly retryAfterInMs?: number;
  readonly cause?: unknown;
}

function withoutStatus({ name, code }: Pick<SdkError, 'name' | 'code'>): CosmosErrorCode {
  if (name === 'TimeoutError' || name === 'AbortError') return 'COSMOS.TIMEOUT';
  return code === undefined ? 'COSMOS.FAILED' : 'COSMOS.UNREACHABLE';
}

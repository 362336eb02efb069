import { AppError, type AppErrorOptions, isCredentialFailure } from '#libs/runtime';

/** Every code that this library throws. */
export type BlobStorageErrorCode =
  | 'BLOB.NAME_INVALID'
  | 'BLOB.NOT_FOUND'
  | 'BLOB.ALREADY_EXISTS'
  | 'BLOB.CHANGED'
  | 'BLOB.LOCKED'
  | 'BLOB.TOO_LARGE'
  | 'BLOB.RANGE_NOT_SATISFIABLE'
  | 'BLOB.UPLOAD_INCOMPLETE'
  | 'BLOB_STORAGE.CONTAINER_NOT_FOUND'
  | 'BLOB_STORAGE.ACCESS_DENIED'
  | 'BLOB_STORAGE.THROTTLED'
  | 'BLOB_STORAGE.UNREACHABLE'
  | 'BLOB_STORAGE.TIMEOUT'
  | 'BLOB_STORAGE.FAILED'
  | 'BLOB_STORAGE.NOT_CONFIGURED';

/** All but the code of what is refused before the storage is asked. */
type FailureCode = Exclude<BlobStorageErrorCode, 'BLOB.NAME_INVALID'>;

const MESSAGES: Readonly<Record<FailureCode, readonly [string, string]>> = {
  'BLOB.NOT_FOUND': ['There is no blob of that name.', 'List the blobs to see which names exist.'],
  'BLOB.ALREADY_EXISTS': ['A blob of that name exists already.', 'Choose another name, or ask to overwrite it.'],
  'BLOB.CHANGED': ['The blob was changed by someone else meanwhile.', 'Read it again and repeat the request.'],
  'BLOB.LOCKED': [
    'The blob is locked by a lease, a retention policy or an archive tier.',
    'Release it in the storage.',
  ],
  'BLOB.TOO_LARGE': ['The blob is larger than this operation accepts.', 'Use a smaller one.'],
  'BLOB.RANGE_NOT_SATISFIABLE': ['The range begins beyond the end of the blob.', 'Ask for its size by HEAD first.'],
  'BLOB.UPLOAD_INCOMPLETE': ['The upload ended before all of its bytes arrived; nothing was stored.', 'Send it again.'],
  'BLOB_STORAGE.CONTAINER_NOT_FOUND': [
    'The blob container does not exist.',
    'Create it, or correct the container name in the settings.',
  ],
  'BLOB_STORAGE.ACCESS_DENIED': [
    'The storage refused the credentials.',
    'Check that they are valid for this container, that a SAS has not expired, and that the clock is right.',
  ],
  'BLOB_STORAGE.THROTTLED': ['The storage is busy and asks to slow down.', 'Try again a little later.'],
  'BLOB_STORAGE.UNREACHABLE': [
    'The storage cannot be reached.',
    'Check its endpoint in the settings, that it is running, and that its certificate is trusted.',
  ],
  'BLOB_STORAGE.TIMEOUT': ['The storage did not answer in time.', 'Try again; if it stays so, check the network.'],
  'BLOB_STORAGE.FAILED': ['The storage answered with an error.', 'Try again; the log has what it answered.'],
  'BLOB_STORAGE.NOT_CONFIGURED': [
    'No blob storage is configured.',
    'Set a connection string, or an account name or endpoint (with or without a SAS token).',
  ],
};

/** The error of a code, with its standard message and hint. */
export function storageError(code: FailureCode, options: Omit<AppErrorOptions, 'hint'> = {}): AppError {
  const [message, hint] = MESSAGES[code];
  return new AppError(code, message, { hint, ...options });
}

/**
 * What a failure of `@azure/storage-blob` means, told by the service's error code, else by the HTTP status, never by
 * message text. An {@link AppError} passes unchanged, and so does the abort of the caller's own signal.
 *
 * @see https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes
 */
export function translateStorageError(error: unknown): unknown {
  if (error instanceof AppError || isAbort(error) || typeof error !== 'object' || error === null) return error;
  const { statusCode, serviceCode, networkCode, requestId } = factsOf(error as RestErrorLike);
  // The SDK's own error holds the request, whose URL may carry a SAS: only harmless facts go on to the log.
  const cause = new Error(
    [(error as RestErrorLike).name, statusCode, serviceCode ?? networkCode].filter(Boolean).join(' '),
  );
  const details = {
    ...(serviceCode && { storage_code: serviceCode }),
    ...(requestId && { storage_request_id: requestId }),
  };
  return storageError(codeOf(error as RestErrorLike, { statusCode, serviceCode, networkCode }), { cause, details });
}

/** True for the error of an aborted signal, by whichever library. */
export function isAbort(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'name' in error && error.name === 'AbortError';
}

const BY_SERVICE_CODE: Readonly<Record<string, FailureCode>> = {
  BlobNotFound: 'BLOB.NOT_FOUND',
  BlobAlreadyExists: 'BLOB.ALREADY_EXISTS',
  ConditionNotMet: 'BLOB.CHANGED',
  // Blocks staged for a name are dropped when another upload of it commits first.
  InvalidBlockList: 'BLOB.CHANGED',
  InvalidRange: 'BLOB.RANGE_NOT_SATISFIABLE',
  LeaseIdMissing: 'BLOB.LOCKED',
  BlobImmutableDueToPolicy: 'BLOB.LOCKED',
  BlobImmutableDueToLegalHold: 'BLOB.LOCKED',
  BlobArchived: 'BLOB.LOCKED',
  BlobBeingRehydrated: 'BLOB.LOCKED',
  SnapshotsPresent: 'BLOB.LOCKED',
  ContainerNotFound: 'BLOB_STORAGE.CONTAINER_NOT_FOUND',
  ContainerBeingDeleted: 'BLOB_STORAGE.CONTAINER_NOT_FOUND',
  ServerBusy: 'BLOB_STORAGE.THROTTLED',
  OperationTimedOut: 'BLOB_STORAGE.TIMEOUT',
};

function codeOf(
  error: Error,
  { statusCode, serviceCode, networkCode }: Omit<StorageFailureFacts, 'requestId'>,
): FailureCode {
  // First: a failed sign-in carries the status of its own server.
  if (isCredentialFailure(error)) return 'BLOB_STORAGE.ACCESS_DENIED';
  if (statusCode !== undefined) return BY_SERVICE_CODE[serviceCode ?? ''] ?? byStatus(statusCode);
  // Without either, something has answered that is no blob storage, and the SDK stumbled over it.
  return networkCode === undefined ? 'BLOB_STORAGE.FAILED' : 'BLOB_STORAGE.UNREACHABLE';
}

function byStatus(statusCode: number): FailureCode {
  switch (statusCode) {
    case 401:
    case 403:
      return 'BLOB_STORAGE.ACCESS_DENIED';
    case 404:
      return 'BLOB.NOT_FOUND';
    case 412:
      return 'BLOB.CHANGED';
    case 416:
      return 'BLOB.RANGE_NOT_SATISFIABLE';
    case 429:
    case 503:
      return 'BLOB_STORAGE.THROTTLED';
    case 408:
    case 504:
      return 'BLOB_STORAGE.TIMEOUT';
    default:
      return 'BLOB_STORAGE.FAILED';
  }
}

interface StorageFailureFacts {
  statusCode: number | undefined;
  serviceCode: string | undefined;
  networkCode: string | undefined;
  requestId: string | undefined;
}

/** `RestError` as the SDK builds it; a HEAD has no body, so there the service's code comes in a header alone. */
interface RestErrorLike extends Error {
  statusCode?: number;
  code?: string;
  details?: { errorCode?: string; requestId?: string };
  response?: { headers?: { get(name: string): string | undefined } };
}

function factsOf(error: RestErrorLike): StorageFailureFacts {
  const { statusCode, code, details, response } = error;
  return {
    statusCode,
    serviceCode:
      statusCode === undefined ? undefined : (details?.errorCode ?? response?.headers?.get('x-ms-error-code') ?? code),
    networkCode: statusCode === undefined ? code : undefined,
    requestId: details?.requestId ?? response?.headers?.get('x-ms-request-id'),
  };
}

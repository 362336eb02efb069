/** What a {@link SpyglassError} is made of. */
export interface SpyglassErrorFacts {
  code: string;
  hint: string;
  status?: number | undefined;
  requestId?: string | undefined;
  details?: Readonly<Record<string, unknown>> | undefined;
  cause?: unknown;
}

/**
 * The one error that calls fail with: a problem that the API answered, or one that this client met itself, whose code
 * then begins with `CLIENT.`:
 *
 * - `CLIENT.CONNECTION_FAILED`: there was no answer, or it broke off.
 * - `CLIENT.TIMEOUT`: the call took longer than its `timeoutMs`.
 * - `CLIENT.UNEXPECTED_ANSWER`: something answered that is not the API, such as a proxy.
 * - `CLIENT.INVALID_ARGUMENT`: the call could not be sent.
 *
 * A call that its own `AbortSignal` ends fails with the signal's reason instead, as `fetch` does.
 */
export class SpyglassError extends Error {
  override readonly name = 'SpyglassError';
  /** A stable code to decide by, such as `DEVICE.NOT_ONLINE`. */
  readonly code: string;
  /** What to do about it. */
  readonly hint: string;
  /** The HTTP status; undefined when there was no answer. */
  readonly status: number | undefined;
  /** The id under which the API's log speaks of the request; undefined when there was no answer. */
  readonly requestId: string | undefined;
  /** Facts of this occurrence; `problems` lists every rule that a request breaks. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(message: string, { code, hint, status, requestId, details = {}, cause }: SpyglassErrorFacts) {
    super(message, cause === undefined ? {} : { cause });
    this.code = code;
    this.hint = hint;
    this.status = status;
    this.requestId = requestId;
    this.details = details;
  }
}

/** What an {@link AppError} says beside its message. */
export interface AppErrorOptions {
  /** What the caller can do about it, as one sentence. */
  hint?: string;
  /** Facts that are safe to show to the caller: never secrets, never payloads. */
  details?: Readonly<Record<string, unknown>>;
  /** The failure underneath, for the log. */
  cause?: unknown;
}

/** A failure with a stable code, such as `DEVICE.NOT_ONLINE`, that every edge (HTTP, direct method, terminal) can translate. */
export class AppError extends Error {
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(
    readonly code: string,
    message: string,
    { hint, details, cause }: AppErrorOptions = {},
  ) {
    super(message, { cause });
    this.name = 'AppError';
    this.hint = hint;
    this.details = details;
  }
}

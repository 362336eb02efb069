/** What an {@link ApiError} says beside its message. */
export interface ApiErrorOptions {
  readonly status?: number;
  /** OpenAI's broad kind; the default is `invalid_request_error`. */
  readonly type?: 'invalid_request_error' | 'rate_limit_error' | 'server_error';
  readonly code: string;
  /** The request field at fault, such as `messages[0].content`. */
  readonly param?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * A refusal in OpenAI's shape.
 *
 * @see https://platform.openai.com/docs/guides/error-codes
 */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  private readonly options: ApiErrorOptions;

  constructor(message: string, options: ApiErrorOptions) {
    super(message);
    this.status = options.status ?? 400;
    this.headers = options.headers ?? {};
    this.options = options;
  }

  /** The response body. */
  toJSON(): { error: { message: string; type: string; param: string | null; code: string } } {
    const { type = 'invalid_request_error', param = null, code } = this.options;
    return { error: { message: this.message, type, param, code } };
  }
}

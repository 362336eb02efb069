import { connectionFailed, explain, invalidArgument, timedOut } from './failures.js';
import { Configuration, type ConfigurationParameters, type InitOverrideFunction } from './generated/runtime.js';
import { retryDelayMs } from './retry.js';

const DEFAULT_TIMEOUT_MS = 120_000;
const DEFAULT_RETRIES = 3;

/** Beyond this, timers fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** How to reach an API. */
export interface ClientOptions {
  /** Where the API is found, such as `http://127.0.0.1:8000`; a path may follow. */
  baseUrl: string;
  /** One of the API's `API_KEYS`, or what gives one for each request; sent as `x-api-key`. */
  apiKey?: string | (() => string | Promise<string>) | undefined;
  /** What sends the requests; by default the global `fetch`. */
  fetch?: typeof globalThis.fetch | undefined;
  /**
   * How long a call may take in all, its retries included, until its answer is there or, where that is a stream, until
   * it begins; in milliseconds, by default 120 000. 0 allows any time. Uploads have no limit but the one of the call.
   */
  timeoutMs?: number | undefined;
  /** How often a call is sent again at most after a failure that may pass; by default 3. */
  retries?: number | undefined;
}

/** What every call can be told beside its parameters. */
export interface CallOptions {
  /** Ends the call, and the stream that it has answered; the call then fails with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** In place of the client's `timeoutMs`. */
  timeoutMs?: number | undefined;
}

/**
 * Sends the calls of one client: with its key, within its time, and again where that is right.
 *
 * @internal
 */
export class Transport {
  /** For the generated classes. */
  readonly configuration: Configuration;
  readonly timeoutMs: number;
  readonly #retries: number;

  constructor({ baseUrl, apiKey, fetch, timeoutMs = DEFAULT_TIMEOUT_MS, retries = DEFAULT_RETRIES }: ClientOptions) {
    const parameters: ConfigurationParameters = { basePath: checkedBaseUrl(baseUrl) };
    if (apiKey !== undefined) parameters.apiKey = apiKey;
    if (fetch !== undefined) parameters.fetchApi = fetch;
    this.configuration = new Configuration(parameters);
    this.timeoutMs = timeoutMs;
    this.#retries = retries;
  }

  /**
   * Runs an operation of the generated classes, which takes the given function as its `initOverrides`.
   *
   * @throws {@link SpyglassError}, or the signal's reason
   */
  async call<T>(operation: (init: InitOverrideFunction) => Promise<T>, options: CallOptions = {}): Promise<T> {
    const { signal, timeoutMs = this.timeoutMs } = options;
    const timer = new AbortController();
    const limited = timeoutMs > 0 && timeoutMs <= LONGEST_TIMER_MS;
    const timeout = limited
      ? setTimeout(() => {
          timer.abort(timedOut(timeoutMs));
        }, timeoutMs)
      : undefined;
    const endsAt = limited ? performance.now() + timeoutMs : Infinity;
    const either = signal === undefined ? timer.signal : AbortSignal.any([signal, timer.signal]);
    let method = '';
    const init: InitOverrideFunction = ({ init: { method: given } }) => {
      method = given;
      // A redirect would carry the key to wherever it leads.
      return Promise.resolve({ signal: either, redirect: 'error' });
    };
    try {
      for (let attempt = 1; ; attempt++) {
        either.throwIfAborted();
        try {
          return await operation(init);
        } catch (thrown) {
          either.throwIfAborted();
          const failure = await explain(thrown);
          either.throwIfAborted();
          const delayMs = attempt > this.#retries ? undefined : retryDelayMs(method, failure, attempt);
          if (delayMs === undefined || performance.now() + delayMs >= endsAt) throw failure.error;
          await pause(delayMs, either);
        }
      }
    } finally {
      clearTimeout(timeout);
    }
  }
}

/** Passes on a stream's bytes and explains why it broke off, if it does. */
export async function* chunksOf(
  stream: ReadableStream<Uint8Array>,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((thrown: unknown) => {
        signal?.throwIfAborted();
        throw connectionFailed(thrown);
      });
      if (done) return;
      yield value;
    }
  } finally {
    // Whoever stops reading hangs up; after an error there is nothing left to cancel.
    await reader.cancel().catch(() => undefined);
  }
}

function checkedBaseUrl(baseUrl: string): string {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '')
    throw invalidArgument('baseUrl must be an absolute http or https URL without query and fragment.');
  return url.href.replace(/\/+$/, '');
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort);
      resolve();
    }, ms);
    signal.addEventListener('abort', abort, { once: true });
  });
}

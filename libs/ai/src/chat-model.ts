import type { OpenAI } from 'openai';
import type { AiServer } from './sdk-client.js';
import { aiError, translateAiError } from './ai-errors.js';
import { type Question, requestOf } from './chat-request.js';

/** The whole answer, as the server gave it. @see https://platform.openai.com/docs/api-reference/chat/object */
export type ChatCompletion = OpenAI.ChatCompletion;
/** A piece of a streamed answer. @see https://platform.openai.com/docs/api-reference/chat/streaming */
export type ChatCompletionChunk = OpenAI.ChatCompletionChunk;

export interface AskOptions {
  /** Gives up, and ends the request to the server. */
  signal?: AbortSignal | undefined;
}

/**
 * One chat model of any server that speaks OpenAI's protocol, asked through one client that is made on first use.
 * Tries a busy or failing server three times in all, within one time limit.
 *
 * Every method throws an {@link AppError} of `AiErrorCode`, or an `AbortError` when its `signal` fired.
 */
export class ChatModel {
  private client: Promise<OpenAI> | undefined;

  constructor(private readonly server: AiServer) {}

  /** False when the settings name no server. */
  get isConfigured(): boolean {
    return this.server.endpoint !== undefined;
  }

  /** Asks, and waits for the whole answer. */
  async ask(question: Question, { signal }: AskOptions = {}): Promise<ChatCompletion> {
    return this.withinTime(signal, async (client, deadline) =>
      client.chat.completions.create(
        { ...requestOf(question, this.server.model), stream: false },
        { signal: deadline },
      ),
    );
  }

  /**
   * Asks, and gives the answer piece by piece as it comes. It has begun when this returns, so that failures to begin
   * are thrown here; between two pieces the time limit holds anew.
   */
  async askStreamed(question: Question, { signal }: AskOptions = {}): Promise<AsyncGenerator<ChatCompletionChunk>> {
    const stalled = new AbortController();
    const merged = signal ? AbortSignal.any([signal, stalled.signal]) : stalled.signal;
    const timer = setTimeout(() => {
      stalled.abort();
    }, this.server.timeoutMs);
    const explain = (error: unknown): unknown => {
      if (signal?.aborted) return signal.reason;
      return stalled.signal.aborted ? aiError('AI.TIMEOUT', { cause: error }) : translateAiError(error);
    };
    try {
      const client = await this.connect();
      const request = { ...requestOf(question, this.server.model), stream: true } as const;
      const stream = await client.chat.completions.create(request, { signal: merged });
      return piecesOf(stream);
    } catch (error) {
      clearTimeout(timer);
      throw explain(error);
    }

    async function* piecesOf(stream: AsyncIterable<ChatCompletionChunk>): AsyncGenerator<ChatCompletionChunk> {
      try {
        for await (const piece of stream) {
          timer.refresh();
          yield piece;
          timer.refresh();
        }
        // The client ends its loop quietly when it is aborted: an answer cut short must not look whole.
        merged.throwIfAborted();
      } catch (error) {
        throw explain(error);
      } finally {
        clearTimeout(timer);
        stalled.abort();
      }
    }
  }

  /** Fails when the server does not answer, or refuses the credentials; for readiness. */
  async probe(signal?: AbortSignal): Promise<void> {
    await this.withinTime(signal, (client, deadline) => client.models.list({ signal: deadline, maxRetries: 0 }));
  }

  private async withinTime<Result>(
    signal: AbortSignal | undefined,
    request: (client: OpenAI, deadline: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    const timeout = AbortSignal.timeout(this.server.timeoutMs);
    try {
      return await request(await this.connect(), signal ? AbortSignal.any([signal, timeout]) : timeout);
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw timeout.aborted ? aiError('AI.TIMEOUT', { cause: error }) : translateAiError(error);
    }
  }

  private connect(): Promise<OpenAI> {
    this.client ??= import('./sdk-client.js').then(({ createClient }) => createClient(this.server));
    return this.client;
  }
}

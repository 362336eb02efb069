import { connectionFailed, unexpectedAnswer } from './failures.js';
import type { ChatCompletionChunkResponse } from './generated/models/index.js';
import { parseEvents } from './server-sent-events.js';
import { SpyglassError } from './spyglass-error.js';
import { chunksOf } from './transport.js';

/** How the protocol of chat completions ends a stream. */
const END = '[DONE]';

/** The pieces of a streamed answer; fails when the model does, or when the stream ends before its end. */
export async function* chatPieces(
  response: Response,
  signal: AbortSignal | undefined,
): AsyncGenerator<ChatCompletionChunkResponse, void, undefined> {
  if (!response.body || !/^text\/event-stream\b/.test(response.headers.get('content-type') ?? ''))
    throw unexpectedAnswer({ status: response.status });
  const requestId = response.headers.get('x-request-id') ?? undefined;
  for await (const { event, data } of parseEvents(chunksOf(response.body, signal))) {
    if (event === 'error') throw failureIn(data, requestId);
    if (data === END) return;
    yield parsed(data) as ChatCompletionChunkResponse;
  }
  throw connectionFailed('the stream ended before its end.');
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch (cause) {
    throw unexpectedAnswer({ cause });
  }
}

function failureIn(data: string, requestId: string | undefined): SpyglassError {
  const { error } = parsed(data) as { error?: { code: string; message: string; hint: string } };
  if (!error) return unexpectedAnswer({});
  return new SpyglassError(error.message, { code: error.code, hint: error.hint, status: 200, requestId });
}

import { randomUUID } from 'node:crypto';
import { type ChatRequest, countWords, MODEL } from './chat-request.js';

interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
}

/** An answer, before it takes the shape of a whole completion or of a stream. */
export interface Completion {
  readonly id: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly content: string;
  readonly finishReason: 'stop' | 'length';
  /** Counted in words: a detector has no tokens. */
  readonly usage: Usage;
}

/** Puts a text into a completion, cut to the number of words that the request allows. */
export function complete(text: string, { promptWords, maximumWords }: ChatRequest): Completion {
  const isCut = countWords(text) > maximumWords;
  const content = isCut ? firstWords(text, maximumWords) : text;
  const completionWords = countWords(content);
  return {
    id: `chatcmpl-${randomUUID()}`,
    created: Math.floor(Date.now() / 1000),
    content,
    finishReason: isCut ? 'length' : 'stop',
    usage: {
      prompt_tokens: promptWords,
      completion_tokens: completionWords,
      total_tokens: promptWords + completionWords,
    },
  };
}

/** @see https://platform.openai.com/docs/api-reference/chat/object */
export function asChatCompletion({ id, created, content, finishReason, usage }: Completion): object {
  return {
    id,
    object: 'chat.completion',
    created,
    model: MODEL,
    choices: [
      { index: 0, message: { role: 'assistant', content, refusal: null }, logprobs: null, finish_reason: finishReason },
    ],
    usage,
  };
}

/**
 * The chunks of a streamed answer, one a line of text, then the usage if it was asked for.
 *
 * @see https://platform.openai.com/docs/api-reference/chat-streaming
 */
export function* asChunks(completion: Completion, { includeUsage }: { includeUsage: boolean }): Generator<object> {
  const { id, created, content, finishReason, usage } = completion;
  const base = { id, object: 'chat.completion.chunk', created, model: MODEL };
  const chunk = (delta: object, reason: string | null): object => ({
    ...base,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: reason }],
    ...(includeUsage && { usage: null }),
  });
  yield chunk({ role: 'assistant', content: '' }, null);
  for (const line of content.split(/(?<=\n)/)) yield chunk({ content: line }, null);
  yield chunk({}, finishReason);
  if (includeUsage) yield { ...base, choices: [], usage };
}

function firstWords(text: string, number: number): string {
  let words = 0;
  const end = [...text.matchAll(/\S+/g)].find(() => (words += 1) > number)?.index;
  return text.slice(0, end).trimEnd();
}

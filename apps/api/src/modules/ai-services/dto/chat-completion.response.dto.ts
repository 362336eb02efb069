import type { ChatCompletion } from '#libs/ai';

export class ChatMessageResponse {
  /**
   * Who speaks.
   * @example assistant
   */
  role: string;

  /** The answer; null when the model refused or called a tool. */
  content: string | null;
}

export class ChatChoiceResponse {
  /** Which of the answers it is, from 0. */
  index: number;
  /** The answer. */

  message: ChatMessageResponse;

  /**
   * Why the answer ended.
   * @example stop
   */
  finish_reason: string;
}

export class TokenUsageResponse {
  /** Of the question. */
  prompt_tokens: number;
  /** Of the answer. */

  completion_tokens: number;
  /** Of both. */

  total_tokens: number;
}

/** A chat completion as the AI server gave it; servers may add fields. */
export class ChatCompletionResponse {
  /** Names the completion at the AI server. */
  id: string;

  /**
   * What kind of object it is.
   * @example chat.completion
   */
  object: string;

  /** In seconds since 1970. */
  created: number;

  /** Which model has answered. */
  model: string;
  /** The answers, most often one. */

  choices: ChatChoiceResponse[];
  /** How many tokens were used; some servers do not say. */

  usage?: TokenUsageResponse;

  static of(completion: ChatCompletion): ChatCompletionResponse {
    return completion;
  }
}

export class ChatDeltaResponse {
  /** Who speaks; in the first piece only. */
  role?: string;

  /** What comes next in the answer. */
  content?: string | null;
}

export class ChatChunkChoiceResponse {
  /** Which of the answers it belongs to, from 0. */
  index: number;
  /** What it adds to the answer. */

  delta: ChatDeltaResponse;

  /**
   * Why the answer ended; null before its last piece.
   * @example stop
   */
  finish_reason: string | null;
}

/** One piece of a streamed completion, the data of one event; servers may add fields. */
export class ChatCompletionChunkResponse {
  /** Names the completion at the AI server, the same in every piece. */
  id: string;

  /**
   * What kind of object it is.
   * @example chat.completion.chunk
   */
  object: string;

  /** In seconds since 1970. */
  created: number;

  /** Which model answers. */
  model: string;
  /** The answers that go on, most often one. */

  choices: ChatChunkChoiceResponse[];
}

export class ExplainImageResponse {
  /**
   * The picture.
   * @example device001/picture.jpg
   */
  blob_name: string;

  /** The answer as plain text. */
  response: string;
  /** The answer as the model gave it. */

  completion: ChatCompletionResponse;

  static of(blobName: string, completion: ChatCompletion): ExplainImageResponse {
    const [choice] = completion.choices;
    return {
      blob_name: blobName,
      response: choice?.message.content ?? choice?.message.refusal ?? '',
      completion: ChatCompletionResponse.of(completion),
    };
  }
}

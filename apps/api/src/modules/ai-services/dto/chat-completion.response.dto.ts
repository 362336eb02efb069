import type { ChatCompletion } from '#libs/ai';

export class ChatMessageResponse {
  /** @example assistant */
  role: string;

  /** The answer; null when the model refused or called a tool. */
  content: string | null;
}

export class ChatChoiceResponse {
  index: number;

  message: ChatMessageResponse;

  /**
   * Why the answer ended.
   * @example stop
   */
  finish_reason: string;
}

export class TokenUsageResponse {
  prompt_tokens: number;

  completion_tokens: number;

  total_tokens: number;
}

/** A chat completion as the AI server gave it; servers may add fields. */
export class ChatCompletionResponse {
  id: string;

  /** @example chat.completion */
  object: string;

  /** In seconds since 1970. */
  created: number;

  /** Which model has answered. */
  model: string;

  choices: ChatChoiceResponse[];

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
  index: number;

  delta: ChatDeltaResponse;

  /**
   * Why the answer ended; null before its last piece.
   * @example stop
   */
  finish_reason: string | null;
}

/** One piece of a streamed completion, the data of one event; servers may add fields. */
export class ChatCompletionChunkResponse {
  id: string;

  /** @example chat.completion.chunk */
  object: string;

  /** In seconds since 1970. */
  created: number;

  /** Which model answers. */
  model: string;

  choices: ChatChunkChoiceResponse[];
}

export class ExplainImageResponse {
  /** @example device001/picture.jpg */
  blob_name: string;

  /** The answer as plain text. */
  response: string;

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

import type { ChatCompletionChunk, Question } from '#libs/ai';
import { Query } from '@nestjs/cqrs';

/** The answer piece by piece; it has begun when the query is answered. */
export class StreamChatQuery extends Query<AsyncGenerator<ChatCompletionChunk>> {
  constructor(
    readonly question: Question,
    readonly signal: AbortSignal,
  ) {
    super();
  }
}

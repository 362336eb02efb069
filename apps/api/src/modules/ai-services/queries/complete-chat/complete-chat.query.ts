import type { ChatCompletion, Question } from '#libs/ai';
import { Query } from '@nestjs/cqrs';

export class CompleteChatQuery extends Query<ChatCompletion> {
  constructor(
    readonly question: Question,
    readonly signal: AbortSignal,
  ) {
    super();
  }
}

import type { ChatCompletion, Question } from '#libs/ai';
import { Query } from '@nestjs/cqrs';

export class CompleteChatWithImageQuery extends Query<ChatCompletion> {
  constructor(
    readonly question: Omit<Question, 'image'>,
    /** A picture of any common type and size. */
    readonly picture: Buffer,
    readonly signal: AbortSignal,
  ) {
    super();
  }
}

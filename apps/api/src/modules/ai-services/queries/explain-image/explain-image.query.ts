import type { ChatCompletion, Question } from '#libs/ai';
import { Query } from '@nestjs/cqrs';

export class ExplainImageQuery extends Query<ChatCompletion> {
  constructor(
    readonly blobName: string,
    readonly question: Omit<Question, 'image'>,
    readonly signal: AbortSignal,
  ) {
    super();
  }
}

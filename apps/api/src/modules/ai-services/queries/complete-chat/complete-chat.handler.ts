import { ChatModel } from '#libs/ai';
import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import { CompleteChatQuery } from './complete-chat.query.js';

@QueryHandler(CompleteChatQuery)
export class CompleteChatHandler implements IQueryHandler<CompleteChatQuery> {
  constructor(private readonly model: ChatModel) {}

  execute({ question, signal }: CompleteChatQuery) {
    return this.model.ask(question, { signal });
  }
}

import { ChatModel } from '#libs/ai';
import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import { StreamChatQuery } from './stream-chat.query.js';

@QueryHandler(StreamChatQuery)
export class StreamChatHandler implements IQueryHandler<StreamChatQuery> {
  constructor(private readonly model: ChatModel) {}

  execute({ question, signal }: StreamChatQuery) {
    return this.model.askStreamed(question, { signal });
  }
}

import { ChatModel } from '#libs/ai';
import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import { fitForModel } from '../../fit-for-model.js';
import { CompleteChatWithImageQuery } from './complete-chat-with-image.query.js';

@QueryHandler(CompleteChatWithImageQuery)
export class CompleteChatWithImageHandler implements IQueryHandler<CompleteChatWithImageQuery> {
  constructor(private readonly model: ChatModel) {}

  async execute({ question, picture, signal }: CompleteChatWithImageQuery) {
    return this.model.ask({ ...question, image: await fitForModel(() => picture) }, { signal });
  }
}

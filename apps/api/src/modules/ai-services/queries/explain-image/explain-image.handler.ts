import { ChatModel } from '#libs/ai';
import { BlobStorage } from '#libs/blob-storage';
import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import { ApiConfig } from '../../../../api.config.js';
import { fitForModel } from '../../fit-for-model.js';
import { ExplainImageQuery } from './explain-image.query.js';

@QueryHandler(ExplainImageQuery)
export class ExplainImageHandler implements IQueryHandler<ExplainImageQuery> {
  constructor(
    private readonly storage: BlobStorage,
    private readonly model: ChatModel,
    private readonly config: ApiConfig,
  ) {}

  async execute({ blobName, question, signal }: ExplainImageQuery) {
    const { maxImageBytes: maxBytes } = this.config.aiServices;
    const image = await fitForModel(async () => (await this.storage.read(blobName, { maxBytes, signal })).content);
    return this.model.ask({ ...question, image }, { signal });
  }
}

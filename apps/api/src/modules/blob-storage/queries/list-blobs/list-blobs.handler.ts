import { BlobStorage } from '#libs/blob-storage';
import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import { ListBlobsQuery } from './list-blobs.query.js';

@QueryHandler(ListBlobsQuery)
export class ListBlobsHandler implements IQueryHandler<ListBlobsQuery> {
  constructor(private readonly storage: BlobStorage) {}

  execute({ options }: ListBlobsQuery) {
    return this.storage.list(options);
  }
}

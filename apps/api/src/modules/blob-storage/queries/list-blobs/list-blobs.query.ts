import type { BlobPage, ListBlobsOptions } from '#libs/blob-storage';
import { Query } from '@nestjs/cqrs';

export class ListBlobsQuery extends Query<BlobPage> {
  constructor(readonly options: ListBlobsOptions) {
    super();
  }
}

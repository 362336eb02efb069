import type { StagedBlob, StoredBlob } from '#libs/blob-storage';
import { Command } from '@nestjs/cqrs';

/** Makes bytes that were sent to the storage already a blob. */
export class StoreBlobCommand extends Command<StoredBlob> {
  constructor(
    readonly staged: StagedBlob,
    readonly contentType: string,
    readonly options: { readonly overwrite: boolean; readonly signal: AbortSignal },
  ) {
    super();
  }
}

import { BlobStorage } from '#libs/blob-storage';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { DeleteBlobCommand } from './delete-blob.command.js';

@CommandHandler(DeleteBlobCommand)
export class DeleteBlobHandler implements ICommandHandler<DeleteBlobCommand> {
  constructor(private readonly storage: BlobStorage) {}

  execute({ name }: DeleteBlobCommand) {
    return this.storage.delete(name);
  }
}

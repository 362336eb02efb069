import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { StoreBlobCommand } from './store-blob.command.js';

@CommandHandler(StoreBlobCommand)
export class StoreBlobHandler implements ICommandHandler<StoreBlobCommand> {
  execute({ staged, contentType, options: { overwrite, signal } }: StoreBlobCommand) {
    return staged.commit({ contentType, onlyIfAbsent: !overwrite, signal });
  }
}

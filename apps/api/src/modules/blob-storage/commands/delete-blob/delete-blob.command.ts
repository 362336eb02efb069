import { Command } from '@nestjs/cqrs';

export class DeleteBlobCommand extends Command<void> {
  constructor(readonly name: string) {
    super();
  }
}

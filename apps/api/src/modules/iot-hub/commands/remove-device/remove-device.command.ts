import { Command } from '@nestjs/cqrs';

export class RemoveDeviceCommand extends Command<void> {
  constructor(readonly deviceId: string) {
    super();
  }
}

import type { RegisteredDevice } from '#libs/iot-hub/service';
import { Command } from '@nestjs/cqrs';

export class RegisterDeviceCommand extends Command<RegisteredDevice> {
  constructor(
    readonly deviceId: string,
    readonly status: RegisteredDevice['status'],
  ) {
    super();
  }
}

import { DeviceRegistry } from '#libs/iot-hub/service';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { RegisterDeviceCommand } from './register-device.command.js';

@CommandHandler(RegisterDeviceCommand)
export class RegisterDeviceHandler implements ICommandHandler<RegisterDeviceCommand> {
  constructor(private readonly registry: DeviceRegistry) {}

  execute({ deviceId, status }: RegisterDeviceCommand) {
    return this.registry.register(deviceId, { status });
  }
}

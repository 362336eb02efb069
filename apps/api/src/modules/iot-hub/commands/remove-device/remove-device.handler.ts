import { DeviceRegistry } from '#libs/iot-hub/service';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { RemoveDeviceCommand } from './remove-device.command.js';

@CommandHandler(RemoveDeviceCommand)
export class RemoveDeviceHandler implements ICommandHandler<RemoveDeviceCommand> {
  constructor(private readonly registry: DeviceRegistry) {}

  execute({ deviceId }: RemoveDeviceCommand) {
    return this.registry.remove(deviceId);
  }
}

import { DeviceTwins } from '#libs/iot-hub/service';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { DefaultDevice } from '../../default-device.js';
import { UpdateDeviceTwinCommand } from './update-device-twin.command.js';

@CommandHandler(UpdateDeviceTwinCommand)
export class UpdateDeviceTwinHandler implements ICommandHandler<UpdateDeviceTwinCommand> {
  constructor(
    private readonly twins: DeviceTwins,
    private readonly defaultDevice: DefaultDevice,
  ) {}

  async execute({ deviceId, patch, etag }: UpdateDeviceTwinCommand) {
    return this.twins.update(this.defaultDevice.atHubOr(deviceId), patch, { etag });
  }
}

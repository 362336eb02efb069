import { DirectMethods } from '#libs/iot-hub/service';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { DefaultDevice } from '../../default-device.js';
import { CallDirectMethodCommand } from './call-direct-method.command.js';

@CommandHandler(CallDirectMethodCommand)
export class CallDirectMethodHandler implements ICommandHandler<CallDirectMethodCommand> {
  constructor(
    private readonly methods: DirectMethods,
    private readonly defaultDevice: DefaultDevice,
  ) {}

  async execute({ deviceId, call }: CallDirectMethodCommand) {
    return this.methods.invoke(this.defaultDevice.atHubOr(deviceId), call);
  }
}

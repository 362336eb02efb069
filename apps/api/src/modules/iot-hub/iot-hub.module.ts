import { DeviceRegistry, DeviceTwins, DirectMethods, HubConnection } from '#libs/iot-hub/service';
import { Module, type OnApplicationShutdown } from '@nestjs/common';
import { ApiConfig } from '../../api.config.js';
import { CallDirectMethodHandler } from './commands/call-direct-method/call-direct-method.handler.js';
import { RegisterDeviceHandler } from './commands/register-device/register-device.handler.js';
import { RemoveDeviceHandler } from './commands/remove-device/remove-device.handler.js';
import { UpdateDeviceTwinHandler } from './commands/update-device-twin/update-device-twin.handler.js';
import { DefaultDevice } from './default-device.js';
import { IotHubController } from './iot-hub.controller.js';
import { DevicesHealth, IotHubHealth } from './iot-hub.health.js';
import { GetDeviceTwinHandler } from './queries/get-device-twin/get-device-twin.handler.js';
import { GetDeviceHandler } from './queries/get-device/get-device.handler.js';
import { ListDevicesHandler } from './queries/list-devices/list-devices.handler.js';

const clients = [
  {
    provide: HubConnection,
    useFactory: ({ iotHub }: ApiConfig) => new HubConnection(iotHub.credentials),
    inject: [ApiConfig],
  },
  ...[DeviceRegistry, DeviceTwins, DirectMethods].map((Client) => ({
    provide: Client,
    useFactory: (hub: HubConnection) => new Client(hub),
    inject: [HubConnection],
  })),
];

const commandHandlers = [CallDirectMethodHandler, RegisterDeviceHandler, RemoveDeviceHandler, UpdateDeviceTwinHandler];

const queryHandlers = [GetDeviceHandler, GetDeviceTwinHandler, ListDevicesHandler];

/** Devices, their twins and their direct methods. */
@Module({
  controllers: [IotHubController],
  providers: [...clients, DefaultDevice, ...commandHandlers, ...queryHandlers, IotHubHealth, DevicesHealth],
  exports: [DeviceRegistry, DefaultDevice],
})
export class IotHubModule implements OnApplicationShutdown {
  constructor(private readonly hub: HubConnection) {}

  async onApplicationShutdown(): Promise<void> {
    await this.hub.close();
  }
}

import { DeviceRegistry } from '#libs/iot-hub/service';
import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import { GetDeviceQuery } from './get-device.query.js';

@QueryHandler(GetDeviceQuery)
export class GetDeviceHandler implements IQueryHandler<GetDeviceQuery> {
  constructor(private readonly registry: DeviceRegistry) {}

  execute({ deviceId }: GetDeviceQuery) {
    return this.registry.get(deviceId);
  }
}

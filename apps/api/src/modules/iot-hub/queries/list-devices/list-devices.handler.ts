import { DeviceRegistry } from '#libs/iot-hub/service';
import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import { ListDevicesQuery } from './list-devices.query.js';

@QueryHandler(ListDevicesQuery)
export class ListDevicesHandler implements IQueryHandler<ListDevicesQuery> {
  constructor(private readonly registry: DeviceRegistry) {}

  execute({ limit, continuationToken }: ListDevicesQuery) {
    return this.registry.list({ limit, continuationToken });
  }
}

import { DeviceTwins } from '#libs/iot-hub/service';
import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import { DefaultDevice } from '../../default-device.js';
import { GetDeviceTwinQuery } from './get-device-twin.query.js';

@QueryHandler(GetDeviceTwinQuery)
export class GetDeviceTwinHandler implements IQueryHandler<GetDeviceTwinQuery> {
  constructor(
    private readonly twins: DeviceTwins,
    private readonly defaultDevice: DefaultDevice,
  ) {}

  async execute({ deviceId }: GetDeviceTwinQuery) {
    return this.twins.get(this.defaultDevice.atHubOr(deviceId));
  }
}

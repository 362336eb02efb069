import type { DevicePage } from '#libs/iot-hub/service';
import { Query } from '@nestjs/cqrs';

export class ListDevicesQuery extends Query<DevicePage> {
  constructor(
    readonly limit: number,
    readonly continuationToken: string | undefined,
  ) {
    super();
  }
}

import type { DeviceSummary } from '#libs/iot-hub/service';
import { Query } from '@nestjs/cqrs';

export class GetDeviceQuery extends Query<DeviceSummary> {
  constructor(readonly deviceId: string) {
    super();
  }
}

import type { DeviceTwin } from '#libs/iot-hub/service';
import { Query } from '@nestjs/cqrs';

export class GetDeviceTwinQuery extends Query<DeviceTwin> {
  /** Undefined means the default device. */
  constructor(readonly deviceId: string | undefined) {
    super();
  }
}

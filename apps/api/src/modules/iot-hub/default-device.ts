import { AppError } from '#libs/runtime';
import { Injectable } from '@nestjs/common';
import { ApiConfig } from '../../api.config.js';

/** The device that is meant when a request names none. */
@Injectable()
export class DefaultDevice {
  readonly deviceId: string | undefined;

  private readonly hasHub: boolean;

  constructor({ iotHub }: ApiConfig) {
    this.deviceId = iotHub.deviceId;
    this.hasHub = iotHub.credentials !== undefined;
  }

  /**
   * As {@link or}, for what is asked of the hub.
   *
   * @throws {@link AppError} `IOT_HUB.NOT_CONFIGURED` first, since naming a device would not help.
   */
  atHubOr(given: string | undefined): string {
    if (!this.hasHub) throw new AppError('IOT_HUB.NOT_CONFIGURED', 'No IoT Hub is configured.');
    return this.or(given);
  }

  /**
   * `given`, or else the default.
   *
   * @throws {@link AppError} `DEVICE.NOT_NAMED` when there is neither.
   */
  or(given: string | undefined): string {
    const deviceId = given ?? this.deviceId;
    if (deviceId) return deviceId;
    throw new AppError('DEVICE.NOT_NAMED', 'The request names no device, and no default device is set.');
  }
}

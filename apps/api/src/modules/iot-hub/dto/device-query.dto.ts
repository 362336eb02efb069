import { IsOptional } from 'class-validator';
import { IsDeviceId } from './device-id.validator.js';

export class DeviceQuery {
  /**
   * The device; the default is that of the settings.
   * @example device001
   */
  @IsOptional()
  @IsDeviceId()
  device_id?: string;
}

export class DeviceParams {
  /**
   * The device.
   * @example device001
   */
  @IsDeviceId()
  device_id: string;
}

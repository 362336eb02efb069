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

/** The device of the other examples would take the demo with it. */
export class RemovedDeviceParams {
  /**
   * The device.
   * @example device002
   */
  @IsDeviceId()
  device_id: string;
}

export class DeviceParams {
  /**
   * The device.
   * @example device001
   */
  @IsDeviceId()
  device_id: string;
}

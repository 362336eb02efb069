import { ApiProperty } from '@nestjs/swagger';
import type { DevicePage, DeviceSummary, RegisteredDevice } from '#libs/iot-hub/service';

export class DeviceResponse {
  /**
   * The id, case-sensitive.
   * @example device001
   */
  device_id: string;

  /** A disabled device may not connect. */
  @ApiProperty({ enum: ['enabled', 'disabled'] })
  status: 'enabled' | 'disabled';

  /** Whether the device is connected now. */
  @ApiProperty({ enum: ['Connected', 'Disconnected'] })
  connection_state: 'Connected' | 'Disconnected';

  /** When the device last connected, reported or sent something, as ISO 8601 in UTC; null if never. */
  last_activity_time: string | null;

  static of({ deviceId, status, connected, lastActivityTime }: DeviceSummary): DeviceResponse {
    return {
      device_id: deviceId,
      status,
      connection_state: connected ? 'Connected' : 'Disconnected',
      last_activity_time: lastActivityTime ?? null,
    };
  }
}

export class RegisteredDeviceResponse extends DeviceResponse {
  /** What the device signs in with. It is shown this once: keep it like a password. */
  connection_string: string;

  static override of(device: RegisteredDevice): RegisteredDeviceResponse {
    return Object.assign(DeviceResponse.of(device), { connection_string: device.connectionString });
  }
}

export class DevicePageResponse {
  /** The devices of this page. */
  items: DeviceResponse[];

  /** Give it as `continuation_token` to get the next page; null on the last. */
  continuation_token: string | null;

  static of({ items, continuationToken }: DevicePage): DevicePageResponse {
    return { items: items.map((device) => DeviceResponse.of(device)), continuation_token: continuationToken ?? null };
  }
}

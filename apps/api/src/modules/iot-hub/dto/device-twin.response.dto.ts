import type { DeviceTwin } from '#libs/iot-hub/service';
import { ApiProperty } from '@nestjs/swagger';

export class TwinPropertiesResponse {
  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    description: 'What the device shall be like, with its `$version`.',
    example: { telemetry_interval_seconds: 30, $version: 2 },
  })
  desired: Readonly<Record<string, unknown>>;

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    description: 'What the device says it is like, with its `$version`.',
    example: { agent_version: '0.1.0', $version: 5 },
  })
  reported: Readonly<Record<string, unknown>>;
}

export class DeviceTwinResponse {
  /**
   * Whose twin it is.
   * @example device001
   */
  device_id: string;

  /**
   * Changes with tags and desired properties; give it as If-Match to change only what you have read.
   * @example AAAAAAAAAAI=
   */
  etag: string;

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    description: 'What the cloud notes about the device.',
    example: { site: 'lab' },
  })
  tags: Readonly<Record<string, unknown>>;
  /** What the device shall be like, and is like. */

  properties: TwinPropertiesResponse;

  static of({ deviceId, etag, tags, desired, reported }: DeviceTwin): DeviceTwinResponse {
    return { device_id: deviceId, etag, tags, properties: { desired, reported } };
  }
}

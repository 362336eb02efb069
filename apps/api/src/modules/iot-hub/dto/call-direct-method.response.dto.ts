import type { DirectMethodResult } from '#libs/iot-hub/service';
import { ApiProperty } from '@nestjs/swagger';

export class CallDirectMethodResponse {
  /**
   * The device's own status, by custom like HTTP's: 200 is success, 400 a payload it does not accept.
   * @example 200
   */
  status: number;

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    nullable: true,
    description: 'What the device answered.',
    example: {
      blob_name: 'device001/1_architecture.png',
      size_bytes: 48213,
      content_type: 'image/png',
      width: 1280,
      height: 720,
    },
  })
  payload: unknown;

  static of({ status, payload }: DirectMethodResult): CallDirectMethodResponse {
    return { status, payload: payload ?? null };
  }
}

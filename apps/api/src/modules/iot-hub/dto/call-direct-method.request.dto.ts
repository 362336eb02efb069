import {
  captureImageFromCamera,
  type CaptureImageFromCameraPayload,
  captureImageFromFile,
  type CaptureImageFromFilePayload,
} from '#libs/contracts';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { Allow, IsInt, IsNotEmpty, IsOptional, IsString, Matches, Max, MaxLength, Min } from 'class-validator';
import { IsDeviceId } from './device-id.validator.js';

export class CallDirectMethodRequest {
  /**
   * The device; the default is that of the settings.
   * @example device001
   */
  @IsOptional()
  @IsDeviceId()
  device_id?: string;

  /**
   * Which of the device's methods to call.
   * @example capture_image_from_file
   */
  @IsString()
  @IsNotEmpty()
  @MaxLength(128)
  @Matches(/^[\w.:~@$-]*$/, { message: 'method_name may hold letters, digits and _ . : ~ @ $ - only' })
  method_name: string;

  @Allow()
  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    nullable: true,
    description: 'What the method is given: any JSON, up to 128 KiB.',
    example: { filename: './docs/assets/1_architecture.png', blob_name: '1_architecture.png' },
  })
  payload?: unknown;

  /** How long the device may take to answer. */
  @ApiPropertyOptional({ type: 'integer' })
  @IsOptional()
  @IsInt()
  @Min(5)
  @Max(300)
  response_timeout_seconds?: number = 30;

  /** How long to wait for a device that is not connected. */
  @ApiPropertyOptional({ type: 'integer' })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(300)
  connect_timeout_seconds?: number = 0;
}

/** The demo's calls, ready to execute on the Swagger page. */
export const directMethodExamples = {
  [captureImageFromFile.name]: {
    summary: 'A picture from a file of the device',
    value: {
      method_name: captureImageFromFile.name,
      payload: {
        filename: './docs/assets/1_architecture.png',
        blob_name: '1_architecture.png',
      } satisfies CaptureImageFromFilePayload,
    },
  },
  [captureImageFromCamera.name]: {
    summary: 'A picture from a camera of the device',
    value: {
      method_name: captureImageFromCamera.name,
      payload: { index: 0, blob_name: 'camera.jpg' } satisfies CaptureImageFromCameraPayload,
    },
  },
};

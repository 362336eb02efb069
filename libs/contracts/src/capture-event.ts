import { IsIn, IsInt, IsISO8601, IsOptional, IsString, Min } from 'class-validator';
import { CaptureReply } from './capture-image.js';
import type { DeviceMessageContract } from './device-message.js';

/** What a picture can be taken of. */
const CAPTURE_SOURCES = ['camera', 'file'] as const;
export type CaptureSource = (typeof CAPTURE_SOURCES)[number];

/** Sent once a picture has been taken and stored. */
export class CaptureEvent extends CaptureReply {
  /** ISO 8601, UTC. */
  @IsISO8601()
  captured_at: string;

  @IsIn(CAPTURE_SOURCES)
  source: CaptureSource;

  /** Number of the camera, when that was the source. */
  @IsOptional()
  @IsInt()
  @Min(0)
  camera_index?: number;

  /** As the method named it, when a file was the source. */
  @IsOptional()
  @IsString()
  filename?: string;

  /** As the method's caller gave it. */
  @IsOptional()
  @IsString()
  correlation_id?: string;
}

export const captureEvent: DeviceMessageContract<'capture', CaptureEvent> = { kind: 'capture', body: CaptureEvent };

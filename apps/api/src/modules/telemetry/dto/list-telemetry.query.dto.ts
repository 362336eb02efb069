import { captureEvent, telemetry } from '#libs/contracts';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { IsDeviceId } from '../../iot-hub/dto/device-id.validator.js';
import { IsTimestamp } from './timestamp.validator.js';

const MESSAGE_KINDS = [telemetry.kind, captureEvent.kind];

export class MessageKindParams {
  @ApiPropertyOptional({
    enum: MESSAGE_KINDS,
    description: 'Only messages of this kind: samples of how a device is, or events of captures. Both when left out.',
  })
  @IsOptional()
  @IsIn(MESSAGE_KINDS)
  kind?: string;
}

export class ListTelemetryParams extends MessageKindParams {
  /**
   * The device; the default is that of the settings.
   * @example device001
   */
  @IsOptional()
  @IsDeviceId()
  device_id?: string;

  @ApiPropertyOptional({
    type: String,
    format: 'date-time',
    example: '2025-01-01T00:00:00Z',
    description: 'The first moment; 30 days before `to` (or now) when left out, and at most 366.',
  })
  @IsOptional()
  @IsTimestamp()
  from?: Date;

  @ApiPropertyOptional({
    type: String,
    format: 'date-time',
    example: '2099-01-01T00:00:00Z',
    description: 'The first moment that is no longer meant.',
  })
  @IsOptional()
  @IsTimestamp()
  to?: Date;

  /** How many messages a page has at most. */
  @ApiPropertyOptional({ type: 'integer' })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(200)
  limit: number = 100;

  /** The `continuation_token` of the page before; leave it out for the first page, and repeat the other parameters. */
  @IsOptional()
  @IsString()
  @MaxLength(1024)
  continuation_token?: string;
}

import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';
import { IsDeviceId } from './device-id.validator.js';

export class RegisterDeviceRequest {
  /**
   * The new device's id, up to 128 characters, case-sensitive.
   * @example device002
   */
  @IsDeviceId()
  device_id: string;

  /** Whether the device may connect. */
  @ApiPropertyOptional({ enum: ['enabled', 'disabled'] })
  @IsOptional()
  @IsIn(['enabled', 'disabled'])
  status?: 'enabled' | 'disabled' = 'enabled';
}

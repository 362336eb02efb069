import { AppError } from '#libs/runtime';
import type { TwinPatch } from '#libs/iot-hub/service';
import { ApiHideProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsObject, IsOptional, ValidateNested } from 'class-validator';
import { Refused } from '../../../http/refused.validator.js';
import { IsTwinSection } from './twin-section.validator.js';

export class TwinPropertiesPatch {
  @IsOptional()
  @IsTwinSection()
  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    description: 'What the device shall be like; null removes a property.',
    example: { telemetry_interval_seconds: 30 },
  })
  desired?: Record<string, unknown>;

  @ApiHideProperty()
  @Refused('reported is written by the device alone; set properties.desired and watch properties.reported follow')
  reported?: unknown;
}

export class UpdateDeviceTwinRequest {
  @IsOptional()
  @IsTwinSection()
  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    description: 'What the cloud notes about the device, which never sees it; null removes a tag.',
    example: { site: 'lab' },
  })
  tags?: Record<string, unknown>;

  /** What the device shall be like. */
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => TwinPropertiesPatch)
  properties?: TwinPropertiesPatch;

  @ApiHideProperty()
  @Refused('device_id belongs into the query: PATCH /iot_hub/device_twin?device_id=…')
  device_id?: unknown;

  @ApiHideProperty()
  @Refused('etag belongs into the header If-Match')
  etag?: unknown;

  /** @throws {@link AppError} `REQUEST.INVALID` when there is nothing to change. */
  static toPatch({ tags, properties }: UpdateDeviceTwinRequest): TwinPatch {
    if (!tags && !properties?.desired) {
      const problem = 'tags or properties.desired must be given';
      throw new AppError('REQUEST.INVALID', problem, { details: { problems: [problem] } });
    }
    return { tags, desired: properties?.desired };
  }
}

import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { MessageKindParams } from './list-telemetry.query.dto.js';

export class ListLatestTelemetryParams extends MessageKindParams {
  /** How many devices a page has at most. */
  @ApiPropertyOptional({ type: 'integer' })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(100)
  limit: number = 50;

  /** The `continuation_token` of the page before; leave it out for the first page. */
  @IsOptional()
  @IsString()
  @MaxLength(4096)
  continuation_token?: string;
}

import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, Max, Min } from 'class-validator';

export class ImageParams {
  @ApiPropertyOptional({
    type: 'integer',
    example: 640,
    description:
      'Scale the picture down to this many pixels, rounded up to 160, 320, 640, 1280 or 1920. It is never enlarged.',
  })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(1920)
  width?: number;
}

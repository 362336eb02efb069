import { Type } from 'class-transformer';
import { IsInt, IsOptional, Max, Min } from 'class-validator';

export class ImageParams {
  /**
   * Scale the picture down to this many pixels, rounded up to 160, 320, 640, 1280 or 1920. It is never enlarged.
   * @example 640
   */
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(1920)
  width?: number;
}

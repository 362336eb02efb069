import { ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsBoolean, IsOptional, IsString } from 'class-validator';

const FLAGS: Readonly<Record<string, boolean>> = { true: true, false: false };

export class UploadBlobParams {
  /**
   * Under which name to store the file; slashes make folders.
   * @example device001/picture.png
   */
  @IsString()
  blob_name: string;

  /** Replace a blob of that name. */
  @ApiPropertyOptional()
  @IsOptional()
  @Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? (FLAGS[value] ?? value) : value))
  @IsBoolean()
  overwrite: boolean = false;
}

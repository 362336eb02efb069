import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsBoolean, IsDefined, IsOptional, IsString } from 'class-validator';

const FLAGS: Readonly<Record<string, boolean>> = { true: true, false: false };

/** What the examples upload, and delete again. */
export const UPLOADED_EXAMPLE = 'device001/picture.png';

export class UploadBlobParams {
  @ApiProperty({ example: UPLOADED_EXAMPLE, description: 'Under which name to store the file; slashes make folders.' })
  @IsDefined({ message: 'blob_name is required, as a query parameter: POST /blob_storage?blob_name=…' })
  @IsString()
  blob_name: string;

  /** Replace a blob of that name. */
  @ApiPropertyOptional()
  @IsOptional()
  @Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? (FLAGS[value] ?? value) : value))
  @IsBoolean()
  overwrite: boolean = false;
}

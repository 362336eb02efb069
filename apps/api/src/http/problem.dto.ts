import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

/** A failure as `application/problem+json`. See https://www.rfc-editor.org/rfc/rfc9457 */
export class Problem {
  @ApiProperty({ example: 'urn:spyglass:error:DEVICE.NOT_FOUND', description: 'Identifies the kind of problem.' })
  type: string;

  @ApiProperty({ description: 'What went wrong, the same for every occurrence.' })
  title: string;

  @ApiProperty({ type: 'integer', example: 404, description: 'The HTTP status.' })
  status: number;

  @ApiProperty({ description: 'What went wrong this time.' })
  detail: string;

  @ApiProperty({ example: 'DEVICE.NOT_FOUND', description: 'A stable code to decide by.' })
  code: string;

  @ApiProperty({ description: 'What to do about it.' })
  hint: string;

  @ApiProperty({ description: 'The id under which the log speaks of this request.' })
  request_id: string;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    description: 'Facts of this occurrence; problems lists every rule that the request breaks.',
    example: { problems: ['method_name should not be empty'] },
  })
  details?: Record<string, unknown>;
}

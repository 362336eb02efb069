import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { ApiConfig } from '../../../api.config.js';

export class InfoResponse {
  @ApiProperty({ example: '0.1.0', description: 'The version of the API.' })
  version: string;

  @ApiPropertyOptional({
    example: '24a8169',
    description: 'The source revision of the build, where the build says it.',
  })
  revision?: string;

  @ApiProperty({ example: '24.21.0', description: 'The Node.js version that runs the API.' })
  node_version: string;

  static of({ version, revision }: ApiConfig): InfoResponse {
    return { version, ...(revision && { revision }), node_version: process.versions.node };
  }
}

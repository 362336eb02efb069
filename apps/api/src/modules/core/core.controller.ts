import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiConfig } from '../../api.config.js';
import { ApiProblems } from '../../http/api-problems.decorator.js';
import { InfoResponse } from './dto/info.response.dto.js';

@ApiTags('core')
@Controller()
export class CoreController {
  constructor(private readonly config: ApiConfig) {}

  @Get('core/info')
  @ApiOperation({ summary: 'Version and build of the API' })
  @ApiOkResponse({ type: InfoResponse })
  @ApiProblems()
  getInfo(): InfoResponse {
    return InfoResponse.of(this.config);
  }
}

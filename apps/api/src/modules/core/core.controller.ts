import { Controller, Get, HttpStatus, Res } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiOkResponse, ApiOperation, ApiProduces, ApiServiceUnavailableResponse, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { ApiConfig } from '../../api.config.js';
import { ApiProblems } from '../../http/api-problems.decorator.js';
import { Metrics } from '../../http/metrics.js';
import { InfoResponse } from './dto/info.response.dto.js';
import { LivenessResponse } from './dto/liveness.response.dto.js';
import { ReadinessResponse } from './dto/readiness.response.dto.js';
import { CheckReadinessQuery } from './queries/check-readiness/check-readiness.query.js';

@ApiTags('core')
@Controller()
export class CoreController {
  constructor(
    private readonly config: ApiConfig,
    private readonly metrics: Metrics,
    private readonly queries: QueryBus,
  ) {}

  @Get('core/info')
  @ApiOperation({ summary: 'Show version and build of the API' })
  @ApiOkResponse({ type: InfoResponse, description: 'Version and build' })
  @ApiProblems()
  getInfo(): InfoResponse {
    return InfoResponse.of(this.config);
  }

  @Get('health/live')
  @ApiOperation({
    summary: 'Tell whether the API runs',
    description: 'Asks nothing else, and needs no API key.',
    security: [],
  })
  @ApiOkResponse({ type: LivenessResponse, description: 'The API runs' })
  @ApiProblems()
  checkLiveness(): LivenessResponse {
    return { status: 'live' };
  }

  @Get('health/ready')
  @ApiOperation({
    summary: 'Tell whether the API can do its work',
    description:
      'IoT Hub, storage and, where it is configured, Cosmos DB decide; AI services and devices are reported only.',
  })
  @ApiOkResponse({ type: ReadinessResponse, description: 'Everything required answers' })
  @ApiServiceUnavailableResponse({ type: ReadinessResponse, description: 'Something required does not answer' })
  @ApiProblems()
  async checkReadiness(@Res({ passthrough: true }) response: Response): Promise<ReadinessResponse> {
    const readiness = await this.queries.execute(new CheckReadinessQuery());
    response.status(readiness.ready ? HttpStatus.OK : HttpStatus.SERVICE_UNAVAILABLE);
    response.setHeader('Cache-Control', 'no-store');
    return ReadinessResponse.of(readiness);
  }

  @Get('metrics')
  @ApiOperation({ summary: 'Show metrics for Prometheus' })
  @ApiProduces('text/plain')
  @ApiOkResponse({ schema: { type: 'string' }, description: 'Metrics in the Prometheus text format' })
  @ApiProblems()
  async getMetrics(@Res({ passthrough: true }) response: Response): Promise<string> {
    response.setHeader('Content-Type', this.metrics.contentType);
    return this.metrics.render();
  }
}

import { Controller, Get, Query, Res } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { ApiProblems } from '../../http/api-problems.decorator.js';
import { clientGone } from '../../http/client-gone.js';
import { hubProblems } from '../iot-hub/iot-hub.errors.js';
import { ListLatestTelemetryParams } from './dto/list-latest-telemetry.query.dto.js';
import { ListTelemetryParams } from './dto/list-telemetry.query.dto.js';
import { LatestTelemetryPageResponse, TelemetryPageResponse } from './dto/telemetry.response.dto.js';
import { ListLatestTelemetryQuery } from './queries/list-latest-telemetry/list-latest-telemetry.query.js';
import { ListTelemetryQuery } from './queries/list-telemetry/list-telemetry.query.js';
import { cosmosProblems } from './telemetry.errors.js';

@ApiTags('telemetry')
@Controller('telemetry')
export class TelemetryController {
  constructor(private readonly queries: QueryBus) {}

  @Get()
  @ApiOperation({
    summary: 'List the messages of a device, the newest first',
    description: 'Samples of how the device is, and events of its captures, as IoT Hub has routed them into Cosmos DB.',
  })
  @ApiOkResponse({ type: TelemetryPageResponse, description: 'One page of messages' })
  @ApiProblems('REQUEST.INVALID', 'DEVICE.NOT_NAMED', ...cosmosProblems)
  async listTelemetry(
    @Query() { device_id, from, to, kind, limit, continuation_token }: ListTelemetryParams,
    @Res({ passthrough: true }) response: Response,
  ): Promise<TelemetryPageResponse> {
    const options = { from, to, kind, limit, continuationToken: continuation_token, signal: clientGone(response) };
    return TelemetryPageResponse.of(await this.queries.execute(new ListTelemetryQuery(device_id, options)));
  }

  @Get('latest')
  @ApiOperation({ summary: 'List every registered device with its newest message' })
  @ApiOkResponse({ type: LatestTelemetryPageResponse, description: 'One page of devices' })
  @ApiProblems('REQUEST.INVALID', ...hubProblems, ...cosmosProblems)
  async listLatestTelemetry(
    @Query() { kind, limit, continuation_token }: ListLatestTelemetryParams,
    @Res({ passthrough: true }) response: Response,
  ): Promise<LatestTelemetryPageResponse> {
    const options = { kind, limit, continuationToken: continuation_token, signal: clientGone(response) };
    return LatestTelemetryPageResponse.of(await this.queries.execute(new ListLatestTelemetryQuery(options)));
  }
}

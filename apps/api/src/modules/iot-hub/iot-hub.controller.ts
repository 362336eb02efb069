import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import {
  ApiBody,
  ApiCreatedResponse,
  ApiHeader,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { Response } from 'express';
import { ApiProblems } from '../../http/api-problems.decorator.js';
import { bodyProblems } from '../../http/http.errors.js';
import { CallDirectMethodCommand } from './commands/call-direct-method/call-direct-method.command.js';
import { RegisterDeviceCommand } from './commands/register-device/register-device.command.js';
import { RemoveDeviceCommand } from './commands/remove-device/remove-device.command.js';
import { UpdateDeviceTwinCommand } from './commands/update-device-twin/update-device-twin.command.js';
import { CallDirectMethodRequest, directMethodExamples } from './dto/call-direct-method.request.dto.js';
import { CallDirectMethodResponse } from './dto/call-direct-method.response.dto.js';
import { DeviceParams, DeviceQuery, RemovedDeviceParams } from './dto/device-query.dto.js';
import { DeviceTwinResponse } from './dto/device-twin.response.dto.js';
import { DevicePageResponse, DeviceResponse, RegisteredDeviceResponse } from './dto/device.response.dto.js';
import { ListDevicesParams } from './dto/list-devices.query.dto.js';
import { RegisterDeviceRequest } from './dto/register-device.request.dto.js';
import { UpdateDeviceTwinRequest } from './dto/update-device-twin.request.dto.js';
import { parseIfMatch } from './entity-tag.js';
import { hubProblems } from './iot-hub.errors.js';
import { GetDeviceTwinQuery } from './queries/get-device-twin/get-device-twin.query.js';
import { GetDeviceQuery } from './queries/get-device/get-device.query.js';
import { ListDevicesQuery } from './queries/list-devices/list-devices.query.js';

const ETAG_HEADER = {
  ETag: { description: 'Give it as If-Match with the next change.', schema: { type: 'string' as const } },
};

@ApiTags('iot_hub')
@Controller('iot_hub')
export class IotHubController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  @Get('devices')
  @ApiOperation({ summary: 'List the devices with their connection state' })
  @ApiOkResponse({ type: DevicePageResponse, description: 'One page of devices' })
  @ApiProblems('REQUEST.INVALID', ...hubProblems)
  async listDevices(@Query() { limit, continuation_token }: ListDevicesParams): Promise<DevicePageResponse> {
    return DevicePageResponse.of(await this.queries.execute(new ListDevicesQuery(limit, continuation_token)));
  }

  @Post('devices')
  @ApiOperation({
    summary: 'Register a device',
    description: 'Answers, this once, the connection string of the device.',
  })
  @ApiBody({ type: RegisterDeviceRequest, examples: { device: { value: { device_id: 'device002' } } } })
  @ApiCreatedResponse({
    type: RegisteredDeviceResponse,
    description: 'The device is registered',
    headers: { Location: { description: 'Where the device is found.', schema: { type: 'string' } } },
  })
  @ApiProblems(...bodyProblems, 'DEVICE.ALREADY_EXISTS', ...hubProblems)
  async registerDevice(
    @Body() { device_id, status = 'enabled' }: RegisterDeviceRequest,
    @Res({ passthrough: true }) response: Response,
  ): Promise<RegisteredDeviceResponse> {
    const device = await this.commands.execute(new RegisterDeviceCommand(device_id, status));
    response.location(`/iot_hub/devices/${encodeURIComponent(device_id)}`);
    return RegisteredDeviceResponse.of(device);
  }

  @Get('devices/:device_id')
  @ApiOperation({ summary: 'Show one device' })
  @ApiOkResponse({ type: DeviceResponse, description: 'The device' })
  @ApiProblems('REQUEST.INVALID', 'DEVICE.NOT_FOUND', ...hubProblems)
  async getDevice(@Param() { device_id }: DeviceParams): Promise<DeviceResponse> {
    return DeviceResponse.of(await this.queries.execute(new GetDeviceQuery(device_id)));
  }

  @Delete('devices/:device_id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Remove a device', description: 'Its twin and its credentials go with it.' })
  @ApiNoContentResponse({ description: 'The device is removed' })
  @ApiProblems('REQUEST.INVALID', 'DEVICE.NOT_FOUND', ...hubProblems)
  async removeDevice(@Param() { device_id }: RemovedDeviceParams): Promise<void> {
    await this.commands.execute(new RemoveDeviceCommand(device_id));
  }

  @Get('device_twin')
  @ApiOperation({ summary: 'Show the device twin as the service sees it' })
  @ApiOkResponse({ type: DeviceTwinResponse, description: 'The device twin', headers: ETAG_HEADER })
  @ApiProblems('REQUEST.INVALID', 'DEVICE.NOT_NAMED', 'DEVICE.NOT_FOUND', ...hubProblems)
  async getDeviceTwin(
    @Query() { device_id }: DeviceQuery,
    @Res({ passthrough: true }) response: Response,
  ): Promise<DeviceTwinResponse> {
    const twin = await this.queries.execute(new GetDeviceTwinQuery(device_id));
    // The tag is for changes. It leaves out what the device reports, so "not modified" would hide that.
    delete response.req.headers['if-none-match'];
    response.setHeader('ETag', `"${twin.etag}"`).setHeader('Cache-Control', 'no-store');
    return DeviceTwinResponse.of(twin);
  }

  @Patch('device_twin')
  @ApiOperation({
    summary: 'Change tags and desired properties',
    description: 'Merges: null removes a property, objects merge, everything else replaces.',
  })
  @ApiHeader({ name: 'If-Match', required: false, description: 'Change the twin only if it still has this ETag.' })
  @ApiBody({
    type: UpdateDeviceTwinRequest,
    examples: {
      desired: {
        summary: 'Set a desired property and a tag',
        value: { tags: { site: 'lab' }, properties: { desired: { telemetry_interval_seconds: 30 } } },
      },
      remove: {
        summary: 'Remove a desired property',
        value: { properties: { desired: { telemetry_interval_seconds: null } } },
      },
    },
  })
  @ApiOkResponse({ type: DeviceTwinResponse, description: 'The changed twin', headers: ETAG_HEADER })
  @ApiProblems(
    ...bodyProblems,
    'DEVICE.NOT_NAMED',
    'DEVICE.NOT_FOUND',
    'DEVICE_TWIN.CHANGED',
    'IOT_HUB.REQUEST_TOO_LARGE',
    ...hubProblems,
  )
  async updateDeviceTwin(
    @Query() { device_id }: DeviceQuery,
    @Headers('if-match') ifMatch: string | undefined,
    @Body() body: UpdateDeviceTwinRequest,
    @Res({ passthrough: true }) response: Response,
  ): Promise<DeviceTwinResponse> {
    const command = new UpdateDeviceTwinCommand(
      device_id,
      UpdateDeviceTwinRequest.toPatch(body),
      parseIfMatch(ifMatch),
    );
    const twin = await this.commands.execute(command);
    response.setHeader('ETag', `"${twin.etag}"`);
    return DeviceTwinResponse.of(twin);
  }

  @Post('call_direct_method')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Call a direct method of a device',
    description:
      'HTTP status 200 says that the device has answered; `status` in the body is what the device says about itself.',
  })
  @ApiBody({ type: CallDirectMethodRequest, examples: directMethodExamples })
  @ApiOkResponse({ type: CallDirectMethodResponse, description: 'What the device answered' })
  @ApiProblems(
    ...bodyProblems,
    'DEVICE.NOT_NAMED',
    'DEVICE.NOT_FOUND',
    'DEVICE.NOT_ONLINE',
    'DEVICE.NOT_LISTENING',
    'DEVICE.BAD_REPLY',
    'DEVICE.TIMEOUT',
    'IOT_HUB.REQUEST_TOO_LARGE',
    ...hubProblems,
  )
  async callDirectMethod(@Body() body: CallDirectMethodRequest): Promise<CallDirectMethodResponse> {
    const command = new CallDirectMethodCommand(body.device_id, {
      methodName: body.method_name,
      payload: body.payload,
      responseTimeoutSeconds: body.response_timeout_seconds,
      connectTimeoutSeconds: body.connect_timeout_seconds,
    });
    return CallDirectMethodResponse.of(await this.commands.execute(command));
  }
}

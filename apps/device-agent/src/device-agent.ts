import type { INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { captureOptionsFrom, StillCapture } from '#libs/capture';
import { IotHubDevice, IotHubDeviceStrategy } from '#libs/iot-hub/device';
import type { Logger } from '#libs/runtime';
import { connectionStringOf, type DeviceAgentSettings, outboxOptionsOf } from './device-agent.config.js';
import { DeviceAgentModule } from './device-agent.module.js';
import { METHOD_FAILURE_STATUSES } from './methods/method-failure-statuses.js';
import { Outbox } from './outbox/outbox.js';
import { PinoNestLogger } from './pino-nest-logger.js';

/** A running agent. */
export interface DeviceAgent {
  readonly deviceId: string;
  /** Resolves at the first connection; the agent tries for ever. */
  connected(): Promise<void>;
  /** Answers what is under way, disconnects and closes the cameras. */
  close(): Promise<void>;
}

/**
 * Starts the agent: it connects in the background and answers direct methods from then on.
 *
 * @throws {@link AppError} `SETTINGS.INVALID`, `OUTBOX.UNUSABLE`
 */
export async function startDeviceAgent(settings: DeviceAgentSettings, logger: Logger): Promise<DeviceAgent> {
  const device = new IotHubDevice({ connectionString: connectionStringOf(settings) });
  const strategy = new IotHubDeviceStrategy(device, { failureStatuses: METHOD_FAILURE_STATUSES });
  const outbox = new Outbox(outboxOptionsOf(settings));
  const capture = new StillCapture({ ...captureOptionsFrom(settings), logger });
  const app: INestMicroservice = await NestFactory.createMicroservice(
    DeviceAgentModule.of({ device, strategy, capture, outbox }),
    { strategy, logger: new PinoNestLogger(logger) },
  );
  await app.listen();
  return { deviceId: device.deviceId, connected: () => device.connected(), close: () => app.close() };
}

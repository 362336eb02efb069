import { type DynamicModule, Module, type OnModuleDestroy } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { StillCapture } from '#libs/capture';
import { IotHubDevice, IotHubDeviceStrategy } from '#libs/iot-hub/device';
import { CaptureImageController } from './methods/capture-image.controller.js';
import { MessageSender } from './outbox/message-sender.js';
import { Outbox } from './outbox/outbox.js';
import { CaptureEvents } from './telemetry/capture-events.js';
import { Clock } from './telemetry/clock.js';
import { SystemMetrics } from './telemetry/system-metrics.js';
import { TelemetryLoop } from './telemetry/telemetry-loop.js';
import { AgentReport } from './twin/agent-report.js';
import { MethodLogInterceptor } from './methods/method-log.interceptor.js';
import { DesiredPropertiesController } from './twin/desired-properties.controller.js';
import { FileUpload } from './uploads/file-upload.js';

/** What the agent is put together from, made before Nest starts. */
export interface DeviceAgentParts {
  device: IotHubDevice;
  strategy: IotHubDeviceStrategy;
  capture: StillCapture;
  outbox: Outbox;
}

@Module({})
export class DeviceAgentModule implements OnModuleDestroy {
  constructor(private readonly capture: StillCapture) {}

  static of({ device, strategy, capture, outbox }: DeviceAgentParts): DynamicModule {
    return {
      module: DeviceAgentModule,
      controllers: [CaptureImageController, DesiredPropertiesController],
      providers: [
        { provide: IotHubDevice, useValue: device },
        { provide: IotHubDeviceStrategy, useValue: strategy },
        { provide: StillCapture, useValue: capture },
        { provide: APP_INTERCEPTOR, useClass: MethodLogInterceptor },
        { provide: Outbox, useValue: outbox },
        { provide: SystemMetrics, useValue: new SystemMetrics() },
        Clock,
        MessageSender,
        CaptureEvents,
        TelemetryLoop,
        FileUpload,
        AgentReport,
      ],
    };
  }

  onModuleDestroy(): Promise<void> {
    return this.capture.close();
  }
}

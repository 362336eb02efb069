import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { StillCapture } from '#libs/capture';
import type { AgentReportedProperties } from '#libs/contracts';
import { IotHubDevice, IotHubDeviceStrategy } from '#libs/iot-hub/device';
import { AGENT_VERSION } from '../agent-version.js';

/** Tells the twin what this agent is and can do. */
@Injectable()
export class AgentReport implements OnApplicationBootstrap {
  private readonly logger = new Logger(AgentReport.name);

  constructor(
    private readonly device: IotHubDevice,
    private readonly strategy: IotHubDeviceStrategy,
    private readonly capture: StillCapture,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.report({
      agent_version: AGENT_VERSION,
      started_at: new Date().toISOString(),
      supported_methods: this.strategy.methodNames,
    });
    // Looking for cameras may take seconds; the agent answers meanwhile.
    void this.reportCameras();
  }

  private async reportCameras(): Promise<void> {
    try {
      const cameras = await this.capture.listCameras();
      await this.report({ cameras: cameras.map(({ index, name }) => ({ index, name })) });
    } catch (error) {
      this.logger.warn(`The cameras could not be listed: ${String(error)}`);
    }
  }

  private report(properties: Partial<AgentReportedProperties>): Promise<void> {
    return this.device.reportProperties(properties);
  }
}

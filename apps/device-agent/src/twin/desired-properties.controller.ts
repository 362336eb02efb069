import { Controller, Logger } from '@nestjs/common';
import type { AgentReportedProperties } from '#libs/contracts';
import { DesiredProperties, IotHubDevice, type TwinProperties } from '#libs/iot-hub/device';
import { TelemetryLoop } from '../telemetry/telemetry-loop.js';

/** Takes what the cloud wishes of this device, and lets the cloud see that it did. */
@Controller()
export class DesiredPropertiesController {
  private readonly logger = new Logger(DesiredPropertiesController.name);

  constructor(
    private readonly device: IotHubDevice,
    private readonly telemetry: TelemetryLoop,
  ) {}

  @DesiredProperties()
  async onDesiredProperties(desired: TwinProperties): Promise<void> {
    const { $version, ...properties } = desired;
    this.logger.log({ msg: 'Desired properties seen', version: $version, names: Object.keys(properties) });
    const seen: Partial<AgentReportedProperties> = {
      desired_version: Number($version),
      telemetry_interval_seconds: this.telemetry.applyInterval(desired),
    };
    await this.device.reportProperties(seen);
  }
}

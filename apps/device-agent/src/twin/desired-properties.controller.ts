import { Controller, Logger } from '@nestjs/common';
import type { AgentReportedProperties } from '#libs/contracts';
import { DesiredProperties, IotHubDevice, type TwinProperties } from '#libs/iot-hub/device';

/** Takes what the cloud wishes of this device, and lets the cloud see that it did. */
@Controller()
export class DesiredPropertiesController {
  private readonly logger = new Logger(DesiredPropertiesController.name);

  constructor(private readonly device: IotHubDevice) {}

  @DesiredProperties()
  async onDesiredProperties({ $version, ...desired }: TwinProperties): Promise<void> {
    this.logger.log({ msg: 'Desired properties seen', version: $version, names: Object.keys(desired) });
    const seen: Partial<AgentReportedProperties> = { desired_version: Number($version) };
    await this.device.reportProperties(seen);
  }
}

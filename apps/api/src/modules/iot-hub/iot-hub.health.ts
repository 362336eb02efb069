import { DeviceRegistry, DeviceTwins } from '#libs/iot-hub/service';
import { AppError } from '#libs/runtime';
import { Injectable } from '@nestjs/common';
import { ReadinessCheck, type ReadinessChecker, type ReadinessReport } from '../../health/readiness-check.js';
import { DefaultDevice } from './default-device.js';

/** Whether the hub answers. Reading one device is the cheapest question; that the device is unknown is an answer too. */
@Injectable()
@ReadinessCheck({ name: 'iot_hub', required: true })
export class IotHubHealth implements ReadinessChecker {
  constructor(
    private readonly registry: DeviceRegistry,
    private readonly defaultDevice: DefaultDevice,
  ) {}

  async check(): Promise<ReadinessReport> {
    try {
      if (this.defaultDevice.deviceId) await this.registry.get(this.defaultDevice.deviceId);
      else await this.registry.list({ limit: 1 });
    } catch (error) {
      if (!(error instanceof AppError && error.code === 'DEVICE.NOT_FOUND')) throw error;
    }
    return { healthy: true, reason: 'The IoT Hub answers.' };
  }
}

/** Whether devices are connected: the default device, or else any. */
@Injectable()
@ReadinessCheck({ name: 'devices', required: false })
export class DevicesHealth implements ReadinessChecker {
  constructor(
    private readonly registry: DeviceRegistry,
    private readonly twins: DeviceTwins,
    private readonly defaultDevice: DefaultDevice,
  ) {}

  async check(): Promise<ReadinessReport> {
    const { deviceId } = this.defaultDevice;
    if (!deviceId) {
      const count = await this.registry.countConnected();
      return { healthy: count > 0, reason: `${count} devices are connected.` };
    }
    try {
      const { connected } = await this.twins.get(deviceId);
      return { healthy: connected, reason: `The device ${deviceId} is ${connected ? '' : 'not '}connected.` };
    } catch (error) {
      if (!(error instanceof AppError && error.code === 'DEVICE.NOT_FOUND')) throw error;
      return { healthy: false, reason: `The device ${deviceId} is not registered.` };
    }
  }
}

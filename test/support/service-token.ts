import { SharedAccessSignature } from 'azure-iot-common';
import type { TestIotHub } from './iot-hub.js';

/** An Authorization header of policy `iothubowner`, good for an hour, for calls that no SDK makes. */
export function serviceToken({ emulator }: Pick<TestIotHub, 'emulator'>): string {
  const key = emulator.serviceConnectionString.split('SharedAccessKey=')[1] ?? '';
  const inAnHour = Math.floor(Date.now() / 1000) + 3600;
  return SharedAccessSignature.create(emulator.hostName, 'iothubowner', key, inAnHour).toString();
}

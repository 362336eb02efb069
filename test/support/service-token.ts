import { SharedAccessSignature } from 'azure-iot-common';
import type { TestIotHub } from './iot-hub.js';

/** An Authorization header of policy `iothubowner`, good for an hour, for calls that no SDK makes. */
export const serviceToken = ({ emulator }: Pick<TestIotHub, 'emulator'>): string =>
  signedBy(emulator.serviceConnectionString);

/** An Authorization header of the policy of a service connection string, good for an hour. */
export function signedBy(serviceConnectionString: string): string {
  const part = (name: string) => new RegExp(`(?:^|;)${name}=([^;]+)`).exec(serviceConnectionString)?.[1] ?? '';
  const inAnHour = Math.floor(Date.now() / 1000) + 3600;
  return SharedAccessSignature.create(
    part('HostName'),
    part('SharedAccessKeyName'),
    part('SharedAccessKey'),
    inAnHour,
  ).toString();
}

import { createHash, randomBytes } from 'node:crypto';
import type { AccessRight, SharedAccessPolicy } from './shared-access-policy.js';

/** The policies every hub is made with. @see https://learn.microsoft.com/azure/iot-hub/iot-hub-dev-guide-sas#access-control-and-permissions */
const DEFAULT_POLICIES: Readonly<Record<string, readonly AccessRight[]>> = {
  iothubowner: ['RegistryRead', 'RegistryWrite', 'ServiceConnect', 'DeviceConnect'],
  service: ['ServiceConnect'],
  device: ['DeviceConnect'],
  registryRead: ['RegistryRead'],
  registryReadWrite: ['RegistryRead', 'RegistryWrite'],
};

/** The default policies with the same keys on every machine: no secret at all, for a hub on loopback only. */
export function developmentPolicies(): SharedAccessPolicy[] {
  return policiesWith((name) =>
    createHash('sha256').update(`iot-hub-emulator development key, not a secret: ${name}`).digest('base64'),
  );
}

/** The default policies with random keys. */
export function generatedPolicies(): SharedAccessPolicy[] {
  return policiesWith(() => randomBytes(32).toString('base64'));
}

function policiesWith(keyFor: (name: string) => string): SharedAccessPolicy[] {
  return Object.entries(DEFAULT_POLICIES).map(([name, rights]) => ({
    name,
    primaryKey: keyFor(`${name} primary`),
    secondaryKey: keyFor(`${name} secondary`),
    rights,
  }));
}

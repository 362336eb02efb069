import type { Hub } from '../hub/hub.js';
import { findDevice } from '../hub/registry/find-identity.js';
import { insertIdentity } from '../hub/registry/write-identity.js';
import type { SeedDevice } from './seed-schema.js';

/** Registers the seed's devices that the hub does not have yet, in one commit; the others keep what they have become. */
export async function applySeed(hub: Hub, devices: readonly SeedDevice[]): Promise<void> {
  await hub.store.write(() => {
    for (const { tags, properties, ...identity } of devices) {
      if (findDevice(hub, identity.deviceId) !== undefined) continue;
      insertIdentity(hub, identity, {
        ...(tags && { tags }),
        ...(properties?.desired && { desired: properties.desired }),
      });
    }
  });
}

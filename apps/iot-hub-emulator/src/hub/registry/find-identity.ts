import type { IdentityRow } from '../../storage/identity-row.js';
import type { Store } from '../../storage/store.js';
import { HubError } from '../errors/hub-errors.js';
import { identityColumns, type Identity } from '../identity.js';

/** What looking up takes of the hub. */
interface Registry {
  readonly store: Store;
}

/** The row of a device or module, or undefined. Ids are compared with case. */
export function findIdentity({ store }: Registry, identity: Identity): IdentityRow | undefined {
  return store
    .sql('SELECT * FROM identities WHERE device_id = ? AND module_id = ?')
    .get(...identityColumns(identity)) as unknown as IdentityRow | undefined;
}

/** The row of a device or module. @throws {@link HubError} `DeviceNotFound`, `ModuleNotFound`. */
export function requireIdentity(hub: Registry, identity: Identity): IdentityRow {
  const row = findIdentity(hub, identity);
  if (row !== undefined) return row;
  const { deviceId, moduleId } = identity;
  if (moduleId === undefined || findIdentity(hub, { deviceId }) === undefined) {
    throw new HubError('DeviceNotFound', `Device ${deviceId} not registered`);
  }
  throw new HubError('ModuleNotFound', `Module ${moduleId} on device ${deviceId} not registered`);
}

/** The row of a device itself, or undefined. */
export const findDevice = (hub: Registry, deviceId: string): IdentityRow | undefined => findIdentity(hub, { deviceId });

/** The row of a device itself. @throws {@link HubError} `DeviceNotFound`. */
export const requireDevice = (hub: Registry, deviceId: string): IdentityRow => requireIdentity(hub, { deviceId });

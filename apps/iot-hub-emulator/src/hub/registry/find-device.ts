import type { DeviceRow } from '../../storage/device-row.js';
import { HubError } from '../errors/hub-errors.js';
import type { Store } from '../../storage/store.js';

/** The device's row, or undefined. Ids are compared with case. */
export function findDevice({ store }: { readonly store: Store }, deviceId: string): DeviceRow | undefined {
  return store.sql('SELECT * FROM devices WHERE device_id = ?').get(deviceId) as unknown as DeviceRow | undefined;
}

/** The device's row. @throws {@link HubError} `DeviceNotFound`. */
export function requireDevice(hub: { readonly store: Store }, deviceId: string): DeviceRow {
  const device = findDevice(hub, deviceId);
  if (device === undefined) {
    throw new HubError('DeviceNotFound', `Device ${deviceId} not registered`);
  }
  return device;
}

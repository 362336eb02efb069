import type { DeviceRow } from '../../storage/device-row.js';
import { HubError } from '../errors/hub-errors.js';
import type { Hub } from '../hub.js';
import type { TwinChange } from '../twins/twin-change.js';
import { readDeviceInput } from './device-input.js';
import { toIdentity, type Identity } from './device-view.js';
import { requireDevice } from './find-device.js';
import { insertDevice, removeDevice, replaceDevice } from './write-device.js';

/** Most devices one list gives. */
const MAX_LISTED_DEVICES = 1000;

/**
 * Registers a device, generating the keys that are missing or empty.
 *
 * @param body parsed identity JSON, not yet checked.
 * @param twin what its twin begins with.
 * @throws {@link HubError} `ArgumentInvalid`, `DeviceAlreadyExists`.
 */
export async function createDevice(hub: Hub, body: unknown, twin?: TwinChange): Promise<Identity> {
  const input = readDeviceInput(body);
  return toIdentity(await hub.store.write(() => insertDevice(hub, input, twin)));
}

/**
 * Replaces a device's identity. Disabling it ends its live connection.
 *
 * @param ifMatch the etag the caller has seen; `*` or undefined for any.
 * @throws {@link HubError} `ArgumentInvalid`, `DeviceNotFound`, `PreconditionFailed`.
 */
export async function updateDevice(hub: Hub, body: unknown, ifMatch?: string): Promise<Identity> {
  const input = readDeviceInput(body);
  const row = await hub.store.write(() => replaceDevice(hub, input, ifMatch));
  if (row.status === 'disabled') hub.connections.close(row.device_id, 'disabled');
  return toIdentity(row);
}

/** Removes a device and ends its live connection. @throws {@link HubError} `DeviceNotFound`, `PreconditionFailed`. */
export async function deleteDevice(hub: Hub, deviceId: string, ifMatch?: string): Promise<void> {
  await hub.store.write(() => {
    removeDevice(hub, deviceId, ifMatch);
  });
  hub.connections.close(deviceId, 'deleted');
}

/** One identity. @throws {@link HubError} `DeviceNotFound`. */
export function getDevice(hub: Hub, deviceId: string): Identity {
  hub.activity.flush();
  return toIdentity(requireDevice(hub, deviceId));
}

/** Identities by id, at most `top` of them (1 to 1000). @throws {@link HubError} `ArgumentInvalid`. */
export function listDevices(hub: Hub, top = MAX_LISTED_DEVICES): Identity[] {
  if (!Number.isInteger(top) || top < 1 || top > MAX_LISTED_DEVICES) {
    throw new HubError('ArgumentInvalid', `top must be a whole number from 1 to ${MAX_LISTED_DEVICES}.`);
  }
  hub.activity.flush();
  const rows = hub.store.sql('SELECT * FROM devices ORDER BY device_id LIMIT ?').all(top);
  return (rows as unknown as DeviceRow[]).map(toIdentity);
}

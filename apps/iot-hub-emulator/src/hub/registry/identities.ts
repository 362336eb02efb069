import type { IdentityRow } from '../../storage/identity-row.js';
import { HubError } from '../errors/hub-errors.js';
import type { Hub } from '../hub.js';
import { identityOfRow, type Identity } from '../identity.js';
import type { TwinChange } from '../twins/twin-change.js';
import { requireDevice, requireIdentity } from './find-identity.js';
import { readIdentityInput } from './identity-input.js';
import { toIdentityJson, type IdentityJson } from './identity-view.js';
import { insertIdentity, removeIdentity, replaceIdentity } from './write-identity.js';

/** Most devices one list gives. */
const MAX_LISTED_DEVICES = 1000;

/**
 * Registers a device or module, generating the keys that are missing or empty.
 *
 * @param body parsed identity JSON, not yet checked; with a `moduleId` it is a module.
 * @param twin what its twin begins with.
 * @throws {@link HubError} `ArgumentInvalid`, `DeviceAlreadyExists`, `ModuleAlreadyExistsOnDevice`, `DeviceNotFound`,
 *   `TooManyModulesOnDevice`.
 */
export async function createIdentity(hub: Hub, body: unknown, twin?: TwinChange): Promise<IdentityJson> {
  const input = readIdentityInput(body);
  return toIdentityJson(await hub.store.write(() => insertIdentity(hub, input, twin)));
}

/**
 * Replaces the identity of a device or module. Disabling a device ends its live connection and those of its modules.
 *
 * @param ifMatch the etag the caller has seen; `*` or undefined for any.
 * @throws {@link HubError} `ArgumentInvalid`, `DeviceNotFound`, `ModuleNotFound`, `PreconditionFailed`.
 */
export async function updateIdentity(hub: Hub, body: unknown, ifMatch?: string): Promise<IdentityJson> {
  const input = readIdentityInput(body);
  const row = await hub.store.write(() => replaceIdentity(hub, input, ifMatch));
  if (row.status === 'disabled') {
    for (const identity of [identityOfRow(row), ...modulesOf(hub, row.device_id).map(identityOfRow)]) {
      hub.connections.close(identity, 'disabled');
    }
  }
  return toIdentityJson(row);
}

/**
 * Removes a device with its modules, or a module, and ends their live connections.
 *
 * @throws {@link HubError} `DeviceNotFound`, `ModuleNotFound`, `PreconditionFailed`.
 */
export async function deleteIdentity(hub: Hub, identity: Identity, ifMatch?: string): Promise<void> {
  const removed = await hub.store.write(() => removeIdentity(hub, identity, ifMatch));
  for (const row of removed) hub.connections.close(identityOfRow(row), 'deleted');
}

/** One identity. @throws {@link HubError} `DeviceNotFound`, `ModuleNotFound`. */
export function getIdentity(hub: Hub, identity: Identity): IdentityJson {
  hub.activity.flush();
  return toIdentityJson(requireIdentity(hub, identity));
}

/**
 * Device identities by id, at most `top` of them. "Any value outside the range of 1-1000 is considered to be 1000."
 *
 * @throws {@link HubError} `ArgumentInvalid` for what is no whole number.
 * @see https://learn.microsoft.com/rest/api/iothub/service/devices/get-devices
 */
export function listDevices(hub: Hub, top = MAX_LISTED_DEVICES): IdentityJson[] {
  if (!Number.isInteger(top)) throw new HubError('ArgumentInvalid', 'top must be a whole number.');
  const limit = top < 1 ? MAX_LISTED_DEVICES : Math.min(top, MAX_LISTED_DEVICES);
  hub.activity.flush();
  const rows = hub.store.sql(`SELECT * FROM identities WHERE module_id = '' ORDER BY device_id LIMIT ?`).all(limit);
  return (rows as unknown as IdentityRow[]).map(toIdentityJson);
}

/** The module identities of a device, by id. @throws {@link HubError} `DeviceNotFound`. */
export function listModules(hub: Hub, deviceId: string): IdentityJson[] {
  requireDevice(hub, deviceId);
  hub.activity.flush();
  return modulesOf(hub, deviceId).map(toIdentityJson);
}

function modulesOf(hub: Hub, deviceId: string): IdentityRow[] {
  return hub.store
    .sql(`SELECT * FROM identities WHERE device_id = ? AND module_id <> '' ORDER BY module_id`)
    .all(deviceId) as unknown as IdentityRow[];
}

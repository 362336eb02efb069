import type { DeviceRow } from '../../storage/device-row.js';
import { HubError } from '../errors/hub-errors.js';
import type { Hub } from '../hub.js';
import { findDevice } from '../registry/find-device.js';
import type { DeviceIdentity } from './device-identity.js';
import { isSignedWith, parseSasToken, type SasToken } from './sas-token.js';
import { coversDevice } from './token-resource.js';

/**
 * Proves a device by its shared access signature: signed with one of its own keys over its own resource, or by a shared
 * access policy that has DeviceConnect.
 *
 * @throws {@link HubError} `IotHubUnauthorizedAccess` (its `reason` says why, for the log), or `DeviceDisabled`.
 */
export function authenticateDevice(hub: Hub, deviceId: string, tokenText: string | undefined): DeviceIdentity {
  if (tokenText === undefined || tokenText === '') throw unauthorized('there is no token');
  const token = parseSasToken(tokenText);
  if (token === undefined) throw unauthorized('the token is not a shared access signature');
  if (token.expiresAtMs <= hub.clock.nowMs()) throw unauthorized('the token has expired');
  const device = findDevice(hub, deviceId);
  const authScope = token.policyName === undefined ? 'device' : 'hub';
  if (token.policyName === undefined) verifyDeviceToken(hub, token, device, deviceId);
  else verifyPolicyToken(hub, token, token.policyName, deviceId);
  if (device === undefined) throw unauthorized('there is no such device');
  if (device.status === 'disabled') {
    throw new HubError('DeviceDisabled', 'The device is disabled.', { reason: 'the device is disabled' });
  }
  return { deviceId, generationId: device.generation_id, authScope, expiresAtMs: token.expiresAtMs };
}

function verifyDeviceToken(hub: Hub, token: SasToken, device: DeviceRow | undefined, deviceId: string): void {
  if (device === undefined) throw unauthorized('there is no such device');
  if (device.authentication_type !== 'sas') throw unauthorized('the device authenticates by certificate, not by key');
  if (!coversDevice(hub, token.resource, deviceId, { hubWide: false })) {
    throw unauthorized('the token is for another resource than this device');
  }
  if (!isSignedWith(token, [device.primary_key, device.secondary_key])) {
    throw unauthorized("the token is not signed with this device's keys");
  }
}

function verifyPolicyToken(hub: Hub, token: SasToken, policyName: string, deviceId: string): void {
  const policy = hub.policies.find(({ name }) => name === policyName);
  if (policy === undefined) throw unauthorized('the token names no shared access policy of this hub');
  if (!coversDevice(hub, token.resource, deviceId, { hubWide: true })) {
    throw unauthorized('the token is for another resource than this device');
  }
  if (!isSignedWith(token, [policy.primaryKey, policy.secondaryKey])) {
    throw unauthorized('the token is not signed with the keys of the policy it names');
  }
  if (!policy.rights.includes('DeviceConnect')) throw unauthorized('the policy has no right DeviceConnect');
}

function unauthorized(reason: string): HubError {
  return new HubError('IotHubUnauthorizedAccess', 'Unauthorized', { reason });
}

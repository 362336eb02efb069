import type { IdentityRow } from '../../storage/identity-row.js';
import { HubError } from '../errors/hub-errors.js';
import type { Hub } from '../hub.js';
import { identityOf, type Identity } from '../identity.js';
import { findIdentity } from '../registry/find-identity.js';
import type { DeviceIdentity } from './device-identity.js';
import { isSignedWith, parseSasToken, type SasToken } from './sas-token.js';
import { coversIdentity } from './token-resource.js';

/**
 * Proves a device or module by its shared access signature: signed with one of its own keys over its own resource, or by
 * a shared access policy that has DeviceConnect.
 *
 * @throws {@link HubError} `IotHubUnauthorizedAccess` (its `reason` says why, for the log), or `DeviceDisabled`.
 */
export function authenticateDevice(hub: Hub, identity: Identity, tokenText: string | undefined): DeviceIdentity {
  if (tokenText === undefined || tokenText === '') throw unauthorized('there is no token');
  const token = parseSasToken(tokenText);
  if (token === undefined) throw unauthorized('the token is not a shared access signature');
  if (token.expiresAtMs <= hub.clock.nowMs()) throw unauthorized('the token has expired');
  const row = findIdentity(hub, identity);
  const kind = identity.moduleId === undefined ? 'device' : 'module';
  const authScope = token.policyName === undefined ? kind : 'hub';
  if (token.policyName === undefined) verifyOwnToken(hub, token, row, identity);
  else verifyPolicyToken(hub, token, token.policyName, identity);
  if (row === undefined) throw unauthorized(`there is no such ${kind}`);
  // A module has no status of its own.
  const { status } = (kind === 'module' ? findIdentity(hub, { deviceId: identity.deviceId }) : row) ?? row;
  if (status === 'disabled') {
    throw new HubError('DeviceDisabled', 'The device is disabled.', { reason: 'the device is disabled' });
  }
  return {
    ...identityOf(identity),
    generationId: row.generation_id,
    authScope,
    authType: 'sas',
    expiresAtMs: token.expiresAtMs,
  };
}

function verifyOwnToken(hub: Hub, token: SasToken, row: IdentityRow | undefined, identity: Identity): void {
  const kind = identity.moduleId === undefined ? 'device' : 'module';
  if (row === undefined) throw unauthorized(`there is no such ${kind}`);
  if (row.authentication_type !== 'sas') throw unauthorized(`the ${kind} authenticates by certificate, not by key`);
  if (!coversIdentity(hub, token.resource, identity, { hubWide: false })) {
    throw unauthorized(`the token is for another resource than this ${kind}`);
  }
  if (!isSignedWith(token, [row.primary_key, row.secondary_key])) {
    throw unauthorized(`the token is not signed with this ${kind}'s keys`);
  }
}

function verifyPolicyToken(hub: Hub, token: SasToken, policyName: string, identity: Identity): void {
  const policy = hub.policies.find(({ name }) => name === policyName);
  if (policy === undefined) throw unauthorized('the token names no shared access policy of this hub');
  if (!coversIdentity(hub, token.resource, identity, { hubWide: true })) {
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

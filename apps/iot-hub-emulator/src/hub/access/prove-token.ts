import type { Hub } from '../hub.js';
import type { Identity } from '../identity.js';
import { findDevice, findIdentity } from '../registry/find-identity.js';
import { authenticateDevice } from './authenticate-device.js';
import { isEventHubsSignature } from './authorize-event-hub.js';
import { readLiveToken } from './live-token.js';
import { percentDecode } from './sas-token.js';
import { isHostOfHub } from './token-resource.js';
import { unauthorized } from './unauthorized.js';
import { verifyPolicySignature } from './verify-signature.js';

/** A token that is good in itself. What it allows is asked when something is opened with it. */
export interface ProvenToken {
  /** The same for a token and the one that renews it: whose right it is, over what. */
  readonly claim: string;
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number;
  /** What it is for when an Event Hubs client signed it: `sb://{host}/{path}`. */
  readonly eventHubsResource?: string | undefined;
}

/**
 * Proves a shared access signature that is presented ahead of its use (AMQP's `put-token`, SASL PLAIN): of a shared access
 * policy over anything of this hub, or of a device over its own resource.
 *
 * @throws {@link HubError} `IotHubUnauthorizedAccess` (its `reason` says why, for the log), or `DeviceDisabled`.
 */
export function proveToken(hub: Hub, tokenText: string): ProvenToken {
  const token = readLiveToken(hub, tokenText);
  const { resource, policyName, expiresAtMs } = token;
  const proven = { claim: `${policyName ?? ''} ${withHostInLowerCase(resource)}`, expiresAtMs };
  if (policyName === undefined) {
    const identity = identityOfResource(hub, resource);
    if (identity === undefined) throw unauthorized('the token names neither a policy nor a device');
    authenticateDevice(hub, identity, { token: tokenText });
    return proven;
  }
  if (!isHostOfHub(hub, hostOf(resource))) throw unauthorized('the token is for another hub');
  const isForEventHubs = isEventHubsSignature(token);
  verifyPolicySignature(hub, token, isForEventHubs ? 'utf8' : 'base64');
  return isForEventHubs ? { ...proven, eventHubsResource: percentDecode(resource) } : proven;
}

/** Names of hosts are the same in any case, ids of devices are not. */
const withHostInLowerCase = (resource: string): string =>
  (percentDecode(resource) ?? '').replace(/^([a-z]+:\/\/)?[^/]*/i, (host) => host.toLowerCase());

/** The host of a resource, with or without a scheme before it. */
const hostOf = (resource: string): string =>
  (percentDecode(resource) ?? '').replace(/^[a-z]+:\/\//i, '').split('/')[0] ?? '';

/**
 * The device or module in a resource `{host}/devices/{deviceId}[/modules/{moduleId}]`. Some clients encode an id once more
 * before they encode the whole resource, so an id that is not known as it stands is taken for such a one.
 */
function identityOfResource(hub: Hub, resource: string): Identity | undefined {
  const [, devices, device = '', modules, module = ''] = (percentDecode(resource) ?? '').split('/');
  if (devices?.toLowerCase() !== 'devices' || device === '') return undefined;
  const deviceId = findDevice(hub, device) ? device : (percentDecode(device) ?? device);
  if (modules?.toLowerCase() !== 'modules' || module === '') return { deviceId };
  const moduleId = findIdentity(hub, { deviceId, moduleId: module }) ? module : (percentDecode(module) ?? module);
  return { deviceId, moduleId };
}

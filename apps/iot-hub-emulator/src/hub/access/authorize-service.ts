import { HubError } from '../errors/hub-errors.js';
import type { Hub } from '../hub.js';
import type { Identity } from '../identity.js';
import { isSignedWith, parseSasToken } from './sas-token.js';
import type { AccessRight } from './shared-access-policy.js';
import { coversIdentity, coversHub } from './token-resource.js';

/** What a service call needs: one of the rights, and, for a call about one device or module, its name. */
export interface ServiceDemand {
  readonly rights: readonly AccessRight[];
  readonly identity?: Identity | undefined;
}

/**
 * Proves a service by a shared access signature of a policy that has one of the rights demanded.
 *
 * @throws {@link HubError} `IotHubUnauthorizedAccess`; its `reason` says why, for the log.
 */
export function authorizeService(
  hub: Hub,
  authorization: string | undefined,
  { rights, identity }: ServiceDemand,
): void {
  if (authorization === undefined) throw unauthorized('there is no Authorization header');
  if (/^bearer\s/i.test(authorization)) throw unauthorized('Entra ID tokens are not implemented');
  const token = parseSasToken(authorization);
  if (token === undefined) throw unauthorized('the token is not a shared access signature');
  if (token.expiresAtMs <= hub.clock.nowMs()) throw unauthorized('the token has expired');
  const policy = hub.policies.find(({ name }) => name === token.policyName);
  if (policy === undefined) throw unauthorized('the token names no shared access policy of this hub');
  const covered =
    coversHub(hub, token.resource) ||
    (identity !== undefined && coversIdentity(hub, token.resource, identity, { hubWide: false }));
  if (!covered) throw unauthorized('the token is for another hub or another resource');
  if (!isSignedWith(token, [policy.primaryKey, policy.secondaryKey])) {
    throw unauthorized('the token is not signed with the keys of the policy it names');
  }
  if (!rights.some((right) => policy.rights.includes(right))) {
    throw unauthorized(`policy ${policy.name} lacks ${rights.join(' or ')}`);
  }
}

function unauthorized(reason: string): HubError {
  return new HubError('IotHubUnauthorizedAccess', 'Unauthorized', { reason });
}

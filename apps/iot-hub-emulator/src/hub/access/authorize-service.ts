import type { Hub } from '../hub.js';
import type { Identity } from '../identity.js';
import { readLiveToken } from './live-token.js';
import type { AccessRight } from './shared-access-policy.js';
import { coversHub, resourceProblem } from './token-resource.js';
import { unauthorized } from './unauthorized.js';
import { verifyPolicySignature } from './verify-signature.js';

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
  const token = readLiveToken(hub, authorization);
  const problem = coversHub(hub, token.resource)
    ? undefined
    : identity === undefined
      ? 'it does not name this hub'
      : resourceProblem(hub, token.resource, identity, { hubWide: false });
  if (problem !== undefined) throw unauthorized(`the token is for another hub or another resource: ${problem}`);
  const policy = verifyPolicySignature(hub, token);
  if (!rights.some((right) => policy.rights.includes(right))) {
    throw unauthorized(`policy ${policy.name} lacks ${rights.join(' or ')}`);
  }
}

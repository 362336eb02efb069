import type { Hub } from '../hub.js';
import { readLiveToken } from './live-token.js';
import { percentDecode, type SasToken } from './sas-token.js';
import { isHostOfHub } from './token-resource.js';
import { unauthorized } from './unauthorized.js';
import { verifyPolicySignature } from './verify-signature.js';

/** The right that the built-in endpoint asks for. @see https://learn.microsoft.com/azure/iot-hub/iot-hub-dev-guide-sas#access-control-and-permissions */
const RIGHT = 'ServiceConnect';

/** Event Hubs clients name their resource by this scheme, and sign with the key's text, not with the bytes it encodes. */
export const isEventHubsSignature = ({ resource }: SasToken): boolean =>
  /^sb:\/\//i.test(percentDecode(resource) ?? '');

/**
 * Proves a reader of the built-in Event Hubs-compatible endpoint: a token over `sb://{host}/{path}` or a part of that path
 * from its beginning, signed with a policy that has ServiceConnect.
 *
 * @param path segments after the host, decoded: the event hub's name first
 * @throws {@link HubError} `IotHubUnauthorizedAccess`; its `reason` says why, for the log.
 */
export function authorizeEventHub(hub: Hub, tokenText: string, path: readonly string[]): void {
  const token = readLiveToken(hub, tokenText);
  if (!isEventHubsSignature(token)) throw unauthorized('the token is not for an Event Hubs-compatible endpoint');
  if (!coversPath(hub, token, path)) throw unauthorized('the token is for another resource');
  const policy = verifyPolicySignature(hub, token, 'utf8');
  if (!policy.rights.includes(RIGHT)) throw unauthorized(`policy ${policy.name} lacks ${RIGHT}`);
}

function coversPath(hub: Hub, { resource }: SasToken, path: readonly string[]): boolean {
  const [host = '', ...covered] = (percentDecode(resource) ?? '').replace(/^sb:\/\//i, '').split('/');
  if (covered.at(-1) === '') covered.pop();
  return (
    isHostOfHub(hub, host) &&
    covered.length <= path.length &&
    covered.every((segment, index) => segment.toLowerCase() === path[index]?.toLowerCase())
  );
}

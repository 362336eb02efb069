import type { IdentityRow } from '../../storage/identity-row.js';
import type { Hub } from '../hub.js';
import { isSignedWith, type SasToken } from './sas-token.js';
import type { SharedAccessPolicy } from './shared-access-policy.js';
import { unauthorized } from './unauthorized.js';

/** Other devices whose keys a token is tried with, to tell whose it is: a bounded price for what a stranger sends, */
const MAX_OTHERS_TRIED = 25;
/** and paid so many times a second, not for every token of a flood. */
const MAX_SEARCHES_PER_SECOND = 20;

/**
 * The policy that a token names and is signed with.
 *
 * @param encoding how the key's text becomes its bytes: Event Hubs clients take it as it is.
 * @throws {@link HubError} `IotHubUnauthorizedAccess`; its `reason` says whose key it was, where that can be told.
 */
export function verifyPolicySignature(
  hub: Hub,
  token: SasToken,
  encoding: 'base64' | 'utf8' = 'base64',
): SharedAccessPolicy {
  if (token.policyName === undefined) throw unauthorized('the token names no shared access policy');
  const policy = hub.policies.find(({ name }) => name === token.policyName);
  if (policy === undefined) throw unauthorized('the token names no shared access policy of this hub');
  const keys = keysOf(policy);
  if (isSignedWith(token, keys, encoding)) return policy;
  const problem = 'the token is not signed with the keys of the policy it names';
  const other = encoding === 'base64' ? 'utf8' : 'base64';
  if (isSignedWith(token, keys, other)) throw unauthorized(`${problem}, but ${wrongBytes(other)}`);
  const signer = hub.policies.find((candidate) => isSignedWith(token, keysOf(candidate), encoding));
  throw unauthorized(signer ? `${problem}, but with a key of policy ${signer.name}` : problem);
}

/**
 * Checks that a device or module has signed a token itself.
 *
 * @throws {@link HubError} `IotHubUnauthorizedAccess`; its `reason` says whose key it was, where that can be told.
 */
export function verifyOwnSignature(hub: Hub, token: SasToken, row: IdentityRow): void {
  const keys = [row.primary_key, row.secondary_key];
  if (isSignedWith(token, keys)) return;
  const kind = row.module_id === '' ? 'device' : 'module';
  const problem = `the token is not signed with this ${kind}'s keys`;
  const signer = isSignedWith(token, keys, 'utf8') ? wrongBytes('utf8') : otherSigner(hub, token, row);
  throw unauthorized(signer === undefined ? problem : `${problem}, but ${signer}`);
}

const KEYS_OF_OTHERS = 'SELECT device_id, module_id, primary_key, secondary_key FROM identities';

function otherSigner(hub: Hub, token: SasToken, { device_id, retired_keys }: IdentityRow): string | undefined {
  if (isSignedWith(token, JSON.parse(retired_keys) as string[])) return 'with one that has been replaced';
  const policy = hub.policies.find((candidate) => isSignedWith(token, keysOf(candidate)));
  if (policy !== undefined) return `with a key of policy ${policy.name}, without naming it`;
  if (!maySearch(hub)) return undefined;
  const others = [
    // Its own device or modules, then whoever comes first: a search of all would cost too much.
    ...hub.store.sql(`${KEYS_OF_OTHERS} WHERE device_id = ?1 LIMIT ?2`).all(device_id, MAX_OTHERS_TRIED),
    ...hub.store.sql(`${KEYS_OF_OTHERS} ORDER BY device_id, module_id LIMIT ?1`).all(MAX_OTHERS_TRIED),
  ] as unknown as IdentityRow[];
  const other = others.find(({ primary_key, secondary_key }) => isSignedWith(token, [primary_key, secondary_key]));
  if (other === undefined) return undefined;
  return `with a key of device ${other.device_id}${other.module_id === '' ? '' : `, module ${other.module_id}`}`;
}

const searches = new WeakMap<Hub['store'], { secondsSince1970: number; count: number }>();

/** Whether there is still a search to spend in this second. */
function maySearch({ store, clock }: Hub): boolean {
  const secondsSince1970 = Math.floor(clock.nowMs() / 1000);
  const spent = searches.get(store);
  const count = spent?.secondsSince1970 === secondsSince1970 ? spent.count : 0;
  searches.set(store, { secondsSince1970, count: count + 1 });
  return count < MAX_SEARCHES_PER_SECOND;
}

const keysOf = ({ primaryKey, secondaryKey }: SharedAccessPolicy): string[] => [primaryKey, secondaryKey];

const wrongBytes = (encoding: 'base64' | 'utf8'): string =>
  encoding === 'utf8'
    ? 'with the text of the key: its base64 has to be decoded first'
    : "with the key's base64 decoded: Event Hubs clients take its text as it is";

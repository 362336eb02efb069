import { z } from 'zod';
import type { IdentityRow } from '../../storage/identity-row.js';
import { HubError } from '../errors/hub-errors.js';
import type { Hub } from '../hub.js';
import { identityOf, identityOfRow } from '../identity.js';
import { requireIdentity } from './find-identity.js';
import { invalidInput } from './identity-input.js';
import { replaceIdentity } from './write-identity.js';

/** Most devices and modules one request may give new keys to. */
const MAX_ITEMS = 100;

/** Which keys to make anew. */
const POLICY_KEYS = ['primaryKey', 'secondaryKey', 'both'] as const;
type PolicyKey = (typeof POLICY_KEYS)[number];

const requestSchema = z.object({
  policyKey: z.string(),
  devices: z
    .array(z.object({ id: z.string(), moduleId: z.string().nullish() }))
    .min(1)
    .max(MAX_ITEMS),
});

/** What became of each device and module, as IoT Hub writes it. A key that was not made anew is null. */
export interface RegeneratedKeys {
  readonly policyKey: PolicyKey;
  readonly rotatedKeys: readonly {
    id: string;
    moduleId?: string;
    primaryKey: string | null;
    secondaryKey: string | null;
  }[];
  readonly errors: readonly { id: string; moduleId?: string; errorCode: string; errorStatus: string }[];
}

/**
 * Makes keys of up to 100 devices and modules anew, each item for itself; all of them share one commit.
 *
 * @param body parsed JSON, not yet checked.
 * @throws {@link HubError} `ArgumentInvalid`, `InvalidPolicyKey` for the request as a whole; then nothing is changed.
 * @see https://learn.microsoft.com/cli/azure/iot/hub/device-identity#az-iot-hub-device-identity-renew-key
 */
export async function regenerateKeys(hub: Hub, body: unknown): Promise<RegeneratedKeys> {
  const parsed = requestSchema.safeParse(body);
  if (!parsed.success) throw invalidInput(parsed.error);
  const policyKey = POLICY_KEYS.find((known) => known === parsed.data.policyKey);
  if (policyKey === undefined) {
    throw new HubError('InvalidPolicyKey', `policyKey must be one of ${POLICY_KEYS.join(', ')}.`);
  }
  const items = parsed.data.devices.map(({ id, moduleId }) => ({ id, ...(moduleId != null && { moduleId }) }));
  const outcomes = await Promise.allSettled(
    items.map(({ id, moduleId }) =>
      hub.store.write(() => rotate(hub, requireIdentity(hub, identityOf({ deviceId: id, moduleId })), policyKey)),
    ),
  );
  const rotatedKeys: RegeneratedKeys['rotatedKeys'][number][] = [];
  const errors: RegeneratedKeys['errors'][number][] = [];
  for (const [index, item] of items.entries()) {
    const outcome = outcomes[index];
    if (outcome?.status === 'fulfilled') {
      const { primary_key, secondary_key } = outcome.value;
      rotatedKeys.push({
        ...item,
        primaryKey: policyKey === 'secondaryKey' ? null : primary_key,
        secondaryKey: policyKey === 'primaryKey' ? null : secondary_key,
      });
    } else {
      const cause: unknown = outcome?.reason;
      if (!(cause instanceof HubError)) throw cause;
      errors.push({ ...item, errorCode: cause.errorName, errorStatus: cause.message });
    }
  }
  return { policyKey, rotatedKeys, errors };
}

/** For use within a write. @throws {@link HubError} `ArgumentInvalid` for what proves itself by certificate. */
function rotate(hub: Hub, row: IdentityRow, policyKey: PolicyKey): IdentityRow {
  const { status, status_reason: statusReason, primary_key, secondary_key } = row;
  if (row.authentication_type !== 'sas') {
    throw new HubError('ArgumentInvalid', 'It proves itself by certificate: there are no keys to make anew.');
  }
  const symmetricKey = {
    primaryKey: policyKey === 'secondaryKey' ? primary_key : '',
    secondaryKey: policyKey === 'primaryKey' ? secondary_key : '',
  };
  return replaceIdentity(
    hub,
    { ...identityOfRow(row), status, statusReason, authentication: { type: 'sas', symmetricKey } },
    undefined,
  );
}

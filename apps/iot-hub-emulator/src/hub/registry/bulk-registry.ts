import { z } from 'zod';
import { HubError } from '../errors/hub-errors.js';
import type { Hub } from '../hub.js';
import { identityKey, identityOf } from '../identity.js';
import type { JsonObject } from '../json.js';
import { changeTwin } from '../twins/service-twin.js';
import { readTwinChange } from '../twins/twin-change.js';
import { findIdentity } from './find-identity.js';
import { createIdentity, deleteIdentity, updateIdentity } from './identities.js';
import { invalidInput } from './identity-input.js';

/** Most devices and modules one request may change. */
const MAX_BULK_ITEMS = 100;

/** Modes, whose names are found in any case. @see https://learn.microsoft.com/rest/api/iothub/service/bulk-registry/update-registry */
const MODES = [
  'create',
  'update',
  'updateIfMatchETag',
  'createOrUpdate',
  'createOrUpdateIfMatchETag',
  'delete',
  'deleteIfMatchETag',
  'updateTwin',
  'updateTwinIfMatchETag',
] as const;
type Mode = (typeof MODES)[number];

const itemSchema = z.looseObject({
  id: z.string(),
  moduleId: z.string().nullish(),
  eTag: z.string().nullish(),
  // As the Node SDK sends a device that it has read.
  etag: z.string().nullish(),
  importMode: z.string().nullish(),
  twinETag: z.string().nullish(),
});
type Item = z.infer<typeof itemSchema>;
const itemsSchema = z.array(itemSchema).min(1).max(MAX_BULK_ITEMS);

/** Outcome of a bulk request, as IoT Hub writes it. */
export interface BulkResult {
  readonly isSuccessful: boolean;
  readonly errors: readonly {
    deviceId: string;
    errorCode: string;
    errorStatus: string;
    moduleId: string;
    operation: string;
  }[];
  readonly warnings: readonly never[];
}

/**
 * Changes up to 100 devices and modules; each item stands for itself, and all of them share one commit.
 *
 * @param body parsed JSON, not yet checked.
 * @throws {@link HubError} `ArgumentInvalid`, `DeviceDefinedMultipleTimes` for the request as a whole; then nothing is changed.
 */
export async function changeRegistryInBulk(hub: Hub, body: unknown): Promise<BulkResult> {
  const parsed = itemsSchema.safeParse(body);
  if (!parsed.success) throw invalidInput(parsed.error);
  const items = parsed.data.map((item) => ({ item, mode: modeOf(item) }));
  refuseRepeated(parsed.data);
  const outcomes = await Promise.allSettled(items.map(({ item, mode }) => applyItem(hub, item, mode)));
  const errors = outcomes.flatMap((outcome, index) => {
    if (outcome.status === 'fulfilled') return [];
    const cause: unknown = outcome.reason;
    if (!(cause instanceof HubError)) throw cause;
    const { item, mode } = items[index] ?? {};
    return [
      {
        deviceId: item?.id ?? '',
        errorCode: cause.errorName,
        errorStatus: cause.message,
        moduleId: item?.moduleId ?? '',
        operation: mode ?? '',
      },
    ];
  });
  return { isSuccessful: errors.length === 0, errors, warnings: [] };
}

function modeOf({ id, importMode }: Item): Mode {
  const wanted = (importMode ?? 'createOrUpdate').toLowerCase();
  const mode = MODES.find((known) => known.toLowerCase() === wanted);
  if (mode === undefined) throw new HubError('ArgumentInvalid', `Device ${id} has an importMode that does not exist.`);
  return mode;
}

/** "A device identity can be specified only once in the list." @see https://learn.microsoft.com/azure/iot-hub/troubleshoot-error-codes */
function refuseRepeated(items: readonly Item[]): void {
  const seen = new Set<string>();
  for (const { id, moduleId } of items) {
    const key = identityKey({ deviceId: id, moduleId: filled(moduleId) });
    if (seen.has(key)) throw new HubError('DeviceDefinedMultipleTimes', `${key} is in the list more than once.`);
    seen.add(key);
  }
}

function applyItem(hub: Hub, item: Item, mode: Mode): Promise<unknown> {
  const name = identityOf({ deviceId: item.id, moduleId: filled(item.moduleId) });
  const members = Object.entries(item as JsonObject).filter(([member]) => member !== 'moduleId');
  const identity: JsonObject = { ...Object.fromEntries(members), ...name };
  const etag = item.eTag ?? item.etag ?? '*';
  switch (mode) {
    case 'create':
      return createWithTwin(hub, item, identity);
    case 'update':
      return updateIdentity(hub, identity);
    case 'updateIfMatchETag':
      return updateIdentity(hub, identity, etag);
    case 'createOrUpdate':
    case 'createOrUpdateIfMatchETag':
      if (findIdentity(hub, name) === undefined) return createWithTwin(hub, item, identity);
      return updateIdentity(hub, identity, mode === 'createOrUpdate' ? undefined : etag);
    case 'delete':
      return deleteIdentity(hub, name);
    case 'deleteIfMatchETag':
      return deleteIdentity(hub, name, etag);
    case 'updateTwin':
      return changeTwin(hub, name, twinOf(item), { mode: 'merge' });
    case 'updateTwinIfMatchETag':
      return changeTwin(hub, name, twinOf(item), { mode: 'merge', ifMatch: item.twinETag ?? '*' });
  }
}

async function createWithTwin(hub: Hub, item: Item, identity: JsonObject): Promise<unknown> {
  return await createIdentity(hub, identity, readTwinChange(twinOf(item), 'merge'));
}

const filled = (text: string | null | undefined): string | undefined =>
  text === null || text === '' ? undefined : text;

function twinOf(item: Item): JsonObject {
  const { tags, properties } = item as JsonObject;
  return { ...(tags == null ? {} : { tags }), ...(properties == null ? {} : { properties }) };
}

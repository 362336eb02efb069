import { z } from 'zod';
import { HubError } from '../errors/hub-errors.js';
import type { Hub } from '../hub.js';
import type { JsonObject } from '../json.js';
import { changeTwin } from '../twins/service-twin.js';
import { readTwinChange } from '../twins/twin-change.js';
import { invalidInput } from './device-input.js';
import { createDevice, deleteDevice, updateDevice } from './devices.js';
import { findDevice } from './find-device.js';

/** Most devices one request may change. */
const MAX_BULK_DEVICES = 100;

/** Modes by their names without case. @see https://learn.microsoft.com/rest/api/iothub/service/bulk-registry/update-registry */
const MODES = [
  'create',
  'update',
  'updateifmatchetag',
  'createorupdate',
  'createorupdateifmatchetag',
  'delete',
  'deleteifmatchetag',
  'updatetwin',
  'updatetwinifmatchetag',
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
const itemsSchema = z.array(itemSchema).min(1).max(MAX_BULK_DEVICES);

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
 * Changes up to 100 devices; each item stands for itself, and all of them share one commit.
 *
 * @param body parsed JSON, not yet checked.
 * @throws {@link HubError} `ArgumentInvalid` or `NotImplemented` for the request as a whole; then nothing is changed.
 */
export async function bulkDevices(hub: Hub, body: unknown): Promise<BulkResult> {
  const parsed = itemsSchema.safeParse(body);
  if (!parsed.success) throw invalidInput(parsed.error);
  const items = parsed.data.map((item) => ({ item, mode: modeOf(item) }));
  const outcomes = await Promise.allSettled(items.map(({ item, mode }) => applyItem(hub, item, mode)));
  const errors = outcomes.flatMap((outcome, index) => {
    if (outcome.status === 'fulfilled') return [];
    const cause: unknown = outcome.reason;
    if (!(cause instanceof HubError)) throw cause;
    const { item, mode } = items[index] ?? {};
    const deviceId = item?.id ?? '';
    return [{ deviceId, errorCode: cause.errorName, errorStatus: cause.message, moduleId: '', operation: mode ?? '' }];
  });
  return { isSuccessful: errors.length === 0, errors, warnings: [] };
}

function modeOf({ id, importMode, moduleId }: Item): Mode {
  if ((moduleId ?? '') !== '') {
    throw new HubError('NotImplemented', 'Module identities are not implemented by this emulator.');
  }
  const wanted = (importMode ?? 'createOrUpdate').toLowerCase();
  const mode = MODES.find((known) => known === wanted);
  if (mode === undefined) throw new HubError('ArgumentInvalid', `Device ${id} has an importMode that does not exist.`);
  return mode;
}

function applyItem(hub: Hub, item: Item, mode: Mode): Promise<unknown> {
  const identity: JsonObject = { ...(item as JsonObject), deviceId: item.id };
  const etag = item.eTag ?? item.etag ?? '*';
  switch (mode) {
    case 'create':
      return createWithTwin(hub, item, identity);
    case 'update':
      return updateDevice(hub, identity);
    case 'updateifmatchetag':
      return updateDevice(hub, identity, etag);
    case 'createorupdate':
    case 'createorupdateifmatchetag':
      if (findDevice(hub, item.id) === undefined) return createWithTwin(hub, item, identity);
      return updateDevice(hub, identity, mode === 'createorupdate' ? undefined : etag);
    case 'delete':
      return deleteDevice(hub, item.id);
    case 'deleteifmatchetag':
      return deleteDevice(hub, item.id, etag);
    case 'updatetwin':
      return changeTwin(hub, item.id, twinOf(item), { mode: 'merge' });
    case 'updatetwinifmatchetag':
      return changeTwin(hub, item.id, twinOf(item), { mode: 'merge', ifMatch: item.twinETag ?? '*' });
  }
}

async function createWithTwin(hub: Hub, item: Item, identity: JsonObject): Promise<unknown> {
  return await createDevice(hub, identity, readTwinChange(twinOf(item), 'merge'));
}

function twinOf(item: Item): JsonObject {
  const { tags, properties } = item as JsonObject;
  return { ...(tags == null ? {} : { tags }), ...(properties == null ? {} : { properties }) };
}

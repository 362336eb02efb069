import type { DeviceRow } from '../../storage/device-row.js';
import { utcText } from '../clock.js';
import { HubError } from '../errors/hub-errors.js';
import { etagOfVersion, matchesEtag } from '../etag.js';
import type { Hub } from '../hub.js';
import type { JsonObject } from '../json.js';
import { requireDevice } from '../registry/find-device.js';
import { mergeProperties } from './merge-properties.js';
import { readTwinChange, type TwinChange, type TwinChangeMode } from './twin-change.js';
import { checkSectionSize } from './twin-limits.js';
import { freshMetadata, mergeMetadata } from './twin-metadata.js';
import { toTwin } from './twin-view.js';

/** The twin as services see it. @throws {@link HubError} `DeviceNotFound`. */
export function getTwin(hub: Hub, deviceId: string): JsonObject {
  hub.activity.flush();
  return toTwin(requireDevice(hub, deviceId));
}

/**
 * Changes tags and desired properties, and tells the device of the latter if it listens.
 *
 * @param body parsed JSON in a twin's shape, not yet checked; members that services cannot change are left alone.
 * @param ifMatch the etag the caller has seen; undefined for any.
 * @returns the whole new twin, once it is on disk.
 * @throws {@link HubError} `DeviceNotFound`, `PreconditionFailed`, `ArgumentInvalid`.
 */
export async function changeTwin(
  hub: Hub,
  deviceId: string,
  body: unknown,
  { mode, ifMatch }: { mode: TwinChangeMode; ifMatch?: string | undefined },
): Promise<JsonObject> {
  const change = readTwinChange(body, mode);
  const { row, notify } = await hub.store.write(() => {
    const before = requireDevice(hub, deviceId);
    if (ifMatch !== undefined && !matchesEtag(ifMatch, before.twin_etag)) {
      throw new HubError('PreconditionFailed', 'The twin has changed: its etag is another one than in If-Match.');
    }
    return writeTwinChange(hub, before, change, mode);
  });
  // The device hears of it only once it is durable.
  if (notify !== undefined) {
    hub.connections.listening(deviceId, 'desired')?.desiredChanged(notify, row.desired_version);
  }
  return toTwin(row);
}

/**
 * Writes a checked change into the open transaction.
 *
 * @returns the row after it, and what the device is to be told about its desired properties, if anything.
 */
function writeTwinChange(
  hub: Hub,
  before: DeviceRow,
  change: TwinChange,
  mode: TwinChangeMode,
): { row: DeviceRow; notify?: JsonObject } {
  const replace = mode === 'replace';
  const tags = change.tags && mergeProperties(replace ? {} : (JSON.parse(before.tags) as JsonObject), change.tags);
  const changesDesired = change.desired !== undefined && (replace || Object.keys(change.desired).length > 0);
  const desired =
    change.desired && mergeProperties(replace ? {} : (JSON.parse(before.desired) as JsonObject), change.desired);
  if (tags) checkSectionSize('tags', tags);
  if (desired) checkSectionSize('desired', desired);

  const version = before.twin_version + 1;
  const row: DeviceRow = { ...before, twin_version: version, twin_etag: etagOfVersion(version) };
  if (tags) row.tags = JSON.stringify(tags);
  if (changesDesired && change.desired && desired) {
    const stamp = { lastUpdated: utcText(hub.clock.nowMs()), lastUpdatedVersion: before.desired_version + 1 };
    const metadata = replace ? freshMetadata(stamp) : (JSON.parse(before.desired_metadata) as JsonObject);
    row.desired = JSON.stringify(desired);
    row.desired_version = stamp.lastUpdatedVersion;
    row.desired_metadata = JSON.stringify(mergeMetadata(metadata, change.desired, stamp));
  }
  hub.store
    .sql(
      `UPDATE devices SET twin_version = ?, twin_etag = ?, tags = ?, desired = ?, desired_version = ?, desired_metadata = ?
       WHERE device_id = ?`,
    )
    .run(
      row.twin_version,
      row.twin_etag,
      row.tags,
      row.desired,
      row.desired_version,
      row.desired_metadata,
      row.device_id,
    );
  return { row, ...(changesDesired && change.desired ? { notify: replace ? (desired ?? {}) : change.desired } : {}) };
}

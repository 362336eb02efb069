import type { IdentityRow } from '../../storage/identity-row.js';
import { utcText } from '../clock.js';
import { HubError } from '../errors/hub-errors.js';
import { etagOfVersion, matchesEtag } from '../etag.js';
import type { Hub } from '../hub.js';
import type { Identity } from '../identity.js';
import type { JsonObject } from '../json.js';
import { requireIdentity } from '../registry/find-identity.js';
import { mergeProperties } from './merge-properties.js';
import { patchOf, readTwinChange, type TwinChange, type TwinChangeMode } from './twin-change.js';
import { appendTwinReplaced, appendTwinUpdated } from './twin-events.js';
import { checkSectionSize } from './twin-limits.js';
import { mergeMetadata } from './twin-metadata.js';
import { toTwin, type Twin } from './twin-view.js';

/** The twin of a device or module as services see it. @throws {@link HubError} `DeviceNotFound`, `ModuleNotFound`. */
export function getTwin(hub: Hub, identity: Identity): Twin {
  hub.activity.flush();
  const twin = toTwin(requireIdentity(hub, identity));
  hub.metrics.twins.add('service', 'get');
  return twin;
}

/**
 * Changes tags and desired properties, and tells the device or module of the latter if it listens.
 *
 * @param body parsed JSON in a twin's shape, not yet checked; members that services cannot change are left alone.
 * @param ifMatch the etag the caller has seen; undefined for any.
 * @returns the whole new twin, once it is on disk.
 * @throws {@link HubError} `DeviceNotFound`, `ModuleNotFound`, `PreconditionFailed`, `ArgumentInvalid`.
 */
export async function changeTwin(
  hub: Hub,
  identity: Identity,
  body: unknown,
  {
    mode,
    ifMatch,
    alongside,
  }: {
    mode: TwinChangeMode;
    ifMatch?: string | undefined;
    /** Writes into the same transaction: both or neither. */
    alongside?: () => void;
  },
): Promise<Twin> {
  const change = readTwinChange(body, mode);
  const { row, notify } = await hub.store.write(() => {
    const before = requireIdentity(hub, identity);
    if (ifMatch !== undefined && !matchesEtag(ifMatch, before.twin_etag)) {
      throw new HubError('PreconditionFailed', 'The twin has changed: its etag is another one than in If-Match.');
    }
    const written = writeTwinChange(hub, before, change, mode);
    alongside?.();
    return written;
  });
  hub.metrics.twins.add('service', mode === 'merge' ? 'update' : 'replace');
  // The device hears of it only once it is durable.
  if (notify !== undefined) {
    hub.connections.listening(identity, 'desired')?.desiredChanged(notify, row.desired_version);
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
  before: IdentityRow,
  change: TwinChange,
  mode: TwinChangeMode,
): { row: IdentityRow; notify?: JsonObject } {
  const version = before.twin_version + 1;
  const row: IdentityRow = { ...before, twin_version: version, twin_etag: etagOfVersion(version) };
  // What is replaced begins empty.
  const current = (column: 'tags' | 'desired' | 'desired_metadata') =>
    mode === 'replace' ? {} : (JSON.parse(before[column]) as JsonObject);
  const stamp = { lastUpdated: utcText(hub.clock.nowMs()), lastUpdatedVersion: before.desired_version + 1 };
  let notify: JsonObject | undefined;
  const tagsPatch = change.tags === undefined ? undefined : patchOf(change.tags, current('tags'));
  if (tagsPatch) {
    const tags = mergeProperties(current('tags'), tagsPatch);
    checkSectionSize('tags', tags);
    row.tags = JSON.stringify(tags);
  }
  const desiredPatch = change.desired === undefined ? undefined : patchOf(change.desired, current('desired'));
  if (desiredPatch && (mode === 'replace' || Object.keys(desiredPatch).length > 0)) {
    const desired = mergeProperties(current('desired'), desiredPatch);
    checkSectionSize('desired', desired);
    row.desired = JSON.stringify(desired);
    row.desired_version = before.desired_version + 1;
    row.desired_metadata = JSON.stringify(mergeMetadata(current('desired_metadata'), desiredPatch, stamp));
    notify = mode === 'replace' ? desired : desiredPatch;
  }
  hub.store
    .sql(
      `UPDATE identities SET twin_version = :twin_version, twin_etag = :twin_etag, tags = :tags, desired = :desired,
         desired_version = :desired_version, desired_metadata = :desired_metadata
       WHERE device_id = :device_id AND module_id = :module_id`,
    )
    .run({
      device_id: row.device_id,
      module_id: row.module_id,
      twin_version: row.twin_version,
      twin_etag: row.twin_etag,
      tags: row.tags,
      desired: row.desired,
      desired_version: row.desired_version,
      desired_metadata: row.desired_metadata,
    });
  if (mode === 'replace') appendTwinReplaced(hub, row);
  else
    appendTwinUpdated(hub, row, { ...(tagsPatch && { tags: tagsPatch }), ...(notify && { desired: notify }) }, stamp);
  return { row, ...(notify && { notify }) };
}

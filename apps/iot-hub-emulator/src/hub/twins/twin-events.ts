import type { IdentityRow } from '../../storage/identity-row.js';
import type { JsonObject } from '../json.js';
import { appendEvent, type EventHub } from '../messages/append-event.js';
import { mergeMetadata, type ChangeStamp } from './twin-metadata.js';
import { toTwin, twinVersion } from './twin-view.js';

/** What an update of a twin changed: patches, nulls included. */
interface TwinUpdate {
  readonly tags?: JsonObject;
  readonly desired?: JsonObject;
  readonly reported?: JsonObject;
}

/** Tells of a changed twin: version, changed tags and properties with their metadata. For use within that write. */
export function appendTwinUpdated(hub: EventHub, row: IdentityRow, update: TwinUpdate, stamp: ChangeStamp): void {
  const { tags, desired, reported } = update;
  appendEvent(hub, {
    source: 'twinChangeEvents',
    opType: 'updateTwin',
    subject: row,
    body: () => ({
      version: twinVersion(row),
      ...(tags && { tags }),
      ...((desired ?? reported) && {
        properties: {
          ...(desired && { desired: changes(desired, row.desired_version, stamp) }),
          ...(reported && { reported: changes(reported, row.reported_version, stamp) }),
        },
      }),
    }),
  });
}

/** Tells of a replaced twin: all of it. For use within that write. */
export function appendTwinReplaced(hub: EventHub, row: IdentityRow): void {
  appendEvent(hub, {
    source: 'twinChangeEvents',
    opType: 'replaceTwin',
    subject: row,
    body: () => eventTwin(row),
  });
}

/** Tells of a device or module that was registered or removed. For use within that write. @param row as it is, or was. */
export function appendLifecycleEvent(hub: EventHub, happened: 'create' | 'delete', row: IdentityRow): void {
  const isDevice = row.module_id === '';
  const source = isDevice ? 'deviceLifecycleEvents' : 'moduleLifecycleEvents';
  const opType = `${happened}${isDevice ? 'Device' : 'Module'}Identity` as const;
  appendEvent(hub, { source, opType, subject: row, body: () => eventTwin(row) });
}

/** A twin as events carry it: without facts of the identity. */
function eventTwin(row: IdentityRow): JsonObject {
  const { deviceId, moduleId, etag, version, tags, properties } = toTwin(row);
  return {
    ...(deviceId !== undefined && { deviceId }),
    ...(moduleId !== undefined && { moduleId }),
    etag,
    ...(version !== undefined && { version }),
    ...(tags !== undefined && { tags }),
    ...(properties !== undefined && { properties }),
  };
}

const changes = (patch: JsonObject, version: number, stamp: ChangeStamp): JsonObject => ({
  ...patch,
  $metadata: mergeMetadata({}, patch, stamp),
  $version: version,
});

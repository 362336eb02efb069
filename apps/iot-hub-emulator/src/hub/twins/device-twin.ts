import { utcText } from '../clock.js';
import { HubError } from '../errors/hub-errors.js';
import type { Hub } from '../hub.js';
import { isJsonObject, type JsonObject } from '../json.js';
import { requireDevice } from '../registry/find-device.js';
import { mergeProperties } from './merge-properties.js';
import { appendTwinUpdated } from './twin-events.js';
import { checkProperties, checkSectionSize } from './twin-limits.js';
import { mergeMetadata } from './twin-metadata.js';

/** A device's own view of its twin: both property collections, each with `$version`; no tags, no metadata. */
export interface DeviceTwin {
  readonly desired: JsonObject;
  readonly reported: JsonObject;
}

/**
 * The twin as the device sees it.
 *
 * @throws {@link HubError} `DeviceNotFound`.
 */
export function getDeviceTwin(hub: Hub, deviceId: string): DeviceTwin {
  hub.activity.note(deviceId, hub.clock.nowMs());
  const row = requireDevice(hub, deviceId);
  return {
    desired: { ...(JSON.parse(row.desired) as JsonObject), $version: row.desired_version },
    reported: { ...(JSON.parse(row.reported) as JsonObject), $version: row.reported_version },
  };
}

/**
 * Merges a patch into the device's reported properties: null deletes, objects merge, anything else (arrays too) replaces.
 *
 * @param patch parsed JSON from the device, not yet checked.
 * @returns the new `$version`, once it is on disk.
 * @throws {@link HubError} `ArgumentInvalid` when the patch breaks a rule or the result a limit, `DeviceNotFound`.
 */
export async function patchReported(hub: Hub, deviceId: string, patch: unknown): Promise<number> {
  if (!isJsonObject(patch)) throw new HubError('ArgumentInvalid', 'Reported properties must be a JSON object.');
  checkProperties('reported', patch);
  hub.activity.note(deviceId, hub.clock.nowMs());
  return await hub.store.write(() => {
    const row = requireDevice(hub, deviceId);
    const reported = mergeProperties(JSON.parse(row.reported) as JsonObject, patch);
    checkSectionSize('reported', reported);
    const version = row.reported_version + 1;
    const stamp = { lastUpdated: utcText(hub.clock.nowMs()) };
    const metadata = mergeMetadata(JSON.parse(row.reported_metadata) as JsonObject, patch, stamp);
    hub.store
      .sql('UPDATE devices SET reported = ?, reported_version = ?, reported_metadata = ? WHERE device_id = ?')
      .run(JSON.stringify(reported), version, JSON.stringify(metadata), deviceId);
    appendTwinUpdated(hub, { ...row, reported_version: version }, { reported: patch }, stamp);
    return version;
  });
}

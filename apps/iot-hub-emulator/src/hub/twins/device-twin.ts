import { utcText } from '../clock.js';
import { HubError } from '../errors/hub-errors.js';
import type { Hub } from '../hub.js';
import { identityColumns, type Identity } from '../identity.js';
import { isJsonObject, type JsonObject } from '../json.js';
import { requireIdentity } from '../registry/find-identity.js';
import { mergeProperties } from './merge-properties.js';
import { appendTwinUpdated } from './twin-events.js';
import { checkProperties, checkSectionSize } from './twin-limits.js';
import { mergeMetadata } from './twin-metadata.js';

/** A device's or module's own view of its twin: both property collections, each with `$version`; no tags, no metadata. */
export interface DeviceTwin {
  readonly desired: JsonObject;
  readonly reported: JsonObject;
}

/**
 * The twin as the device or module sees it.
 *
 * @throws {@link HubError} `DeviceNotFound`, `ModuleNotFound`.
 */
export function getDeviceTwin(hub: Hub, identity: Identity): DeviceTwin {
  hub.activity.note(identity, hub.clock.nowMs());
  const row = requireIdentity(hub, identity);
  hub.metrics.twins.add('device', 'get');
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
 * @throws {@link HubError} `ArgumentInvalid` when the patch breaks a rule or the result a limit, `DeviceNotFound`, `ModuleNotFound`.
 */
export async function patchReported(hub: Hub, identity: Identity, patch: unknown): Promise<number> {
  if (!isJsonObject(patch)) throw new HubError('ArgumentInvalid', 'Reported properties must be a JSON object.');
  checkProperties('reported', patch);
  hub.activity.note(identity, hub.clock.nowMs());
  const newVersion = await hub.store.write(() => {
    const row = requireIdentity(hub, identity);
    const reported = mergeProperties(JSON.parse(row.reported) as JsonObject, patch);
    checkSectionSize('reported', reported);
    const version = row.reported_version + 1;
    const stamp = { lastUpdated: utcText(hub.clock.nowMs()) };
    const metadata = mergeMetadata(JSON.parse(row.reported_metadata) as JsonObject, patch, stamp);
    hub.store
      .sql(
        `UPDATE identities SET reported = ?, reported_version = ?, reported_metadata = ?
         WHERE device_id = ? AND module_id = ?`,
      )
      .run(JSON.stringify(reported), version, JSON.stringify(metadata), ...identityColumns(identity));
    appendTwinUpdated(hub, { ...row, reported_version: version }, { reported: patch }, stamp);
    return version;
  });
  hub.metrics.twins.add('device', 'report');
  return newVersion;
}

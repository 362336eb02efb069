import type { IdentityRow } from '../../storage/identity-row.js';
import { toTwin } from '../twins/twin-view.js';
import type { Collection, SqlRow } from './collection.js';
import { branch, findField, json, number, text, type Branch } from './document-fields.js';

/** The twin document as `toTwin` writes it, name by name. Keys are not part of it and cannot be asked for. */
const DEVICE_TWIN = {
  deviceId: text('device_id'),
  etag: text('twin_etag'),
  deviceEtag: text('etag'),
  version: number('(twin_version + reported_version)'),
  status: text('status'),
  statusReason: text('status_reason', 'undefined'),
  statusUpdateTime: text('status_updated_time'),
  connectionState: text('connection_state'),
  lastActivityTime: text('last_activity_time'),
  cloudToDeviceMessageCount: number('cloud_to_device_count'),
  authenticationType: text('authentication_type'),
  x509Thumbprint: branch({
    primaryThumbprint: text('primary_thumbprint', 'null'),
    secondaryThumbprint: text('secondary_thumbprint', 'null'),
  }),
  modelId: text('model_id'),
  capabilities: branch({ iotEdge: { kind: 'boolean', sql: 'iot_edge', sqlNull: 'never' } }),
  // A twin without tags has none at all, not an empty object.
  tags: json("NULLIF(tags, '{}')"),
  properties: branch({
    desired: { kind: 'properties', column: 'desired' },
    reported: { kind: 'properties', column: 'reported' },
  }),
} as const;

/** Twins of devices. */
export const DEVICES = twins(branch(DEVICE_TWIN), "module_id = ''", ['device_id'], [['devices']]);

/** Twins of all modules of all devices. */
export const MODULES = twins(
  branch({ ...DEVICE_TWIN, moduleId: text('module_id') }),
  "module_id <> ''",
  ['device_id', 'module_id'],
  [['devices', 'modules'], ['devices']],
);

/** @param prefixes what may stand before a name, the longest first. */
function twins(
  document: Branch,
  belongs: string,
  keys: readonly string[],
  prefixes: readonly (readonly string[])[],
): Collection {
  return {
    table: 'identities',
    belongs,
    keys,
    itemType: 'Twin',
    resolve: ({ segments }) => findField(document, withoutPrefix(segments, prefixes)),
    toDocument: (row) => toTwin(row as unknown as IdentityRow),
    sizeBytes,
  };
}

/** A name without the collection's own, where that stands before it. */
export function withoutPrefix(
  segments: readonly string[],
  prefixes: readonly (readonly string[])[],
): readonly string[] {
  const prefix = prefixes.find(
    (parts) => segments.length > parts.length && parts.every((part, index) => segments[index]?.toLowerCase() === part),
  );
  return prefix === undefined ? segments : segments.slice(prefix.length);
}

function sizeBytes(row: SqlRow): number {
  const { tags, desired, desired_metadata, reported, reported_metadata } = row as unknown as IdentityRow;
  return [tags, desired, desired_metadata, reported, reported_metadata].reduce((sum, { length }) => sum + length, 0);
}

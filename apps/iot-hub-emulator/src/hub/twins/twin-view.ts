import type { IdentityRow } from '../../storage/identity-row.js';
import { identityOfRow } from '../identity.js';
import type { JsonObject, JsonValue } from '../json.js';

/** How the column of a twin without tags reads. */
const NO_TAGS = '{}';

/** A twin's JSON. */
export type Twin = JsonObject & { etag: string };

/**
 * How often a twin has changed, as its `version` tells: by services, which its etag counts too, and by the device's own
 * reports, which it does not. A new twin is at 2, with etag `AAAAAAAAAAE=`.
 *
 * @see https://learn.microsoft.com/azure/event-grid/event-schema-iot-hub#example-event
 */
export const twinVersion = ({ twin_version, reported_version }: IdentityRow): number => twin_version + reported_version;

/**
 * A twin as services see it: identity facts, tags if there are any, both property collections with `$metadata` and `$version`.
 *
 * @see https://learn.microsoft.com/rest/api/iothub/service/devices/get-twin
 */
export function toTwin(row: IdentityRow): Twin {
  return {
    ...identityOfRow(row),
    etag: row.twin_etag,
    deviceEtag: row.etag,
    status: row.status,
    ...(row.status_reason === null ? {} : { statusReason: row.status_reason }),
    statusUpdateTime: row.status_updated_time,
    connectionState: row.connection_state,
    lastActivityTime: row.last_activity_time,
    cloudToDeviceMessageCount: row.cloud_to_device_count,
    authenticationType: row.authentication_type,
    x509Thumbprint: { primaryThumbprint: row.primary_thumbprint, secondaryThumbprint: row.secondary_thumbprint },
    modelId: row.model_id,
    version: twinVersion(row),
    ...(row.tags !== NO_TAGS && { tags: JSON.parse(row.tags) as JsonObject }),
    properties: {
      desired: collection(row.desired, row.desired_metadata, row.desired_version),
      reported: collection(row.reported, row.reported_metadata, row.reported_version),
    },
    capabilities: { iotEdge: row.iot_edge === 1 },
  };
}

function collection(properties: string, metadata: string, version: number): JsonValue {
  return {
    ...(JSON.parse(properties) as JsonObject),
    $metadata: JSON.parse(metadata) as JsonObject,
    $version: version,
  };
}

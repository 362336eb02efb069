import type { IdentityRow } from '../../storage/identity-row.js';
import { identityOfRow } from '../identity.js';
import type { JsonObject } from '../json.js';

/** An identity's JSON. */
export type IdentityJson = JsonObject & { etag: string };

/**
 * An identity as services see it, keys included. A module has neither a status of its own nor capabilities.
 *
 * @see https://learn.microsoft.com/rest/api/iothub/service/devices/get-identity
 * @see https://learn.microsoft.com/rest/api/iothub/service/modules/get-identity
 */
export function toIdentityJson(row: IdentityRow): IdentityJson {
  const isDevice = row.module_id === '';
  return {
    ...identityOfRow(row),
    ...(!isDevice && { managedBy: row.managed_by }),
    generationId: row.generation_id,
    etag: row.etag,
    connectionState: row.connection_state,
    ...(isDevice && {
      status: row.status,
      statusReason: row.status_reason,
      statusUpdatedTime: row.status_updated_time,
    }),
    connectionStateUpdatedTime: row.connection_state_updated_time,
    lastActivityTime: row.last_activity_time,
    cloudToDeviceMessageCount: row.cloud_to_device_count,
    authentication: {
      symmetricKey: { primaryKey: row.primary_key, secondaryKey: row.secondary_key },
      x509Thumbprint: { primaryThumbprint: row.primary_thumbprint, secondaryThumbprint: row.secondary_thumbprint },
      type: row.authentication_type,
    },
    ...(isDevice && { capabilities: { iotEdge: row.iot_edge === 1 } }),
  };
}

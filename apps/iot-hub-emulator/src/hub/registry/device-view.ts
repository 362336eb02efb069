import type { DeviceRow } from '../../storage/device-row.js';
import type { JsonObject } from '../json.js';

/** An identity's JSON. */
export type Identity = JsonObject & { etag: string };

/**
 * A device identity as services see it, keys included.
 *
 * @see https://learn.microsoft.com/rest/api/iothub/service/devices/get-identity
 */
export function toIdentity(row: DeviceRow): Identity {
  return {
    deviceId: row.device_id,
    generationId: row.generation_id,
    etag: row.etag,
    connectionState: row.connection_state,
    status: row.status,
    statusReason: row.status_reason,
    connectionStateUpdatedTime: row.connection_state_updated_time,
    statusUpdatedTime: row.status_updated_time,
    lastActivityTime: row.last_activity_time,
    cloudToDeviceMessageCount: 0,
    authentication: {
      symmetricKey: { primaryKey: row.primary_key, secondaryKey: row.secondary_key },
      x509Thumbprint: { primaryThumbprint: row.primary_thumbprint, secondaryThumbprint: row.secondary_thumbprint },
      type: row.authentication_type,
    },
    capabilities: { iotEdge: row.iot_edge === 1 },
  };
}

/** A row of table `identities`, a device or a module: column names as in the schema, JSON columns as text. */
export interface IdentityRow {
  device_id: string;
  /** Empty for the device itself. */
  module_id: string;
  generation_id: string;
  etag: string;
  status: 'enabled' | 'disabled';
  status_reason: string | null;
  status_updated_time: string;
  connection_state: 'Connected' | 'Disconnected';
  connection_state_updated_time: string;
  last_activity_time: string;
  authentication_type: 'sas' | 'selfSigned' | 'certificateAuthority';
  primary_key: string | null;
  secondary_key: string | null;
  primary_thumbprint: string | null;
  secondary_thumbprint: string | null;
  iot_edge: 0 | 1;
  device_scope: string | null;
  model_id: string;
  /** Of a module; `IotEdge`, or any name the caller gave. */
  managed_by: string | null;
  /** Keys that were replaced, newest first, as JSON. */
  retired_keys: string;
  /** Messages in the device's queue; always 0 of a module. */
  cloud_to_device_count: number;
  twin_etag: string;
  twin_version: number;
  tags: string;
  desired: string;
  desired_version: number;
  desired_metadata: string;
  reported: string;
  reported_version: number;
  reported_metadata: string;
}

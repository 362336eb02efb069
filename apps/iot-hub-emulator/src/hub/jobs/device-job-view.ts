import { identityOfRow } from '../identity.js';
import type { JsonObject, JsonValue } from '../json.js';

/** A row of `device_jobs`: what a job did to one device or module. */
export interface DeviceJobRow {
  readonly job_id: string;
  readonly device_id: string;
  /** Empty for the device itself. */
  readonly module_id: string;
  readonly job_type: string;
  readonly status: 'pending' | 'running' | 'completed' | 'failed' | 'canceled';
  readonly created_time: string;
  readonly start_time: string;
  readonly end_time: string;
  readonly last_updated_time: string;
  /** JSON text. */
  readonly outcome: string | null;
  /** JSON text. */
  readonly error: string | null;
}

/** A device's part of a job as services see it. @see https://learn.microsoft.com/azure/iot-hub/query-jobs */
export const deviceJobOf = (row: DeviceJobRow): JsonObject => ({
  ...identityOfRow(row),
  jobId: row.job_id,
  jobType: row.job_type,
  status: row.status,
  startTimeUtc: row.start_time,
  endTimeUtc: row.end_time,
  createdDateTimeUtc: row.created_time,
  lastUpdatedDateTimeUtc: row.last_updated_time,
  ...(row.outcome !== null && { outcome: JSON.parse(row.outcome) as JsonValue }),
  ...(row.error !== null && { error: JSON.parse(row.error) as JsonValue }),
});

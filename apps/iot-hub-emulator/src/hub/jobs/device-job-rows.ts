import { NEVER, utcText } from '../clock.js';
import type { Hub } from '../hub.js';
import { identityColumns, identityOfRow, type Identity } from '../identity.js';
import type { JsonObject } from '../json.js';
import type { MethodResult } from '../methods/invoke-method.js';
import { compileTarget } from '../query/target-condition.js';
import type { JobRow } from './job-rows.js';

/** How the part of one device or module in a job ended. */
export type DeviceJobEnd =
  | { readonly status: 'completed'; readonly methodResponse?: MethodResult }
  | { readonly status: 'failed'; readonly error: DeviceJobError };

/** Why a device's part failed, as in IoT Hub's `DeviceJobError`. */
export interface DeviceJobError {
  readonly code: string;
  readonly description: string;
}

type JobsHub = Pick<Hub, 'store' | 'clock'>;

/** Makes a row for each device or module that meets the job's condition now. For use within a write. */
export function insertTargets({ store, clock }: JobsHub, job: JobRow): void {
  const { collection, condition, parameters } = compileTarget(job.query_condition);
  const next = parameters.length + 1;
  const now = utcText(clock.nowMs());
  // Prepared anew: the store keeps its statements for ever, and there is no end to the texts of callers.
  store.database
    .prepare(
      `INSERT INTO device_jobs (job_id, device_id, module_id, job_type, created_time, last_updated_time)
       SELECT ?${next}, device_id, module_id, ?${next + 1}, ?${next + 2}, ?${next + 2}
       FROM ${collection.table} WHERE ${collection.belongs} AND ${condition}`,
    )
    .run(...parameters, job.job_id, job.type, now);
}

/** Devices or modules of a job whose turn has not come, in the order of their ids. */
export function pendingParts({ store }: JobsHub, jobId: string, limit: number): Identity[] {
  const rows = store
    .sql(
      `SELECT device_id, module_id FROM device_jobs WHERE job_id = ? AND status = 'pending'
       ORDER BY device_id, module_id LIMIT ?`,
    )
    .all(jobId, limit) as { device_id: string; module_id: string }[];
  return rows.map(identityOfRow);
}

/** Takes note that a device's part has begun. For use within a write. */
export function beginPart({ store, clock }: JobsHub, jobId: string, identity: Identity): void {
  const now = utcText(clock.nowMs());
  store
    .sql(
      `UPDATE device_jobs SET status = 'running', start_time = ?1, last_updated_time = ?1
       WHERE job_id = ?2 AND device_id = ?3 AND module_id = ?4`,
    )
    .run(now, jobId, ...identityColumns(identity));
}

/** Takes note of the end of a device's part, unless it has ended already. For use within a write. */
export function endPart({ store, clock }: JobsHub, jobId: string, identity: Identity, end: DeviceJobEnd): void {
  const now = utcText(clock.nowMs());
  const outcome: JsonObject | undefined =
    end.status === 'completed' ? { deviceMethodResponse: methodResponse(end.methodResponse) } : undefined;
  store
    .sql(
      `UPDATE device_jobs SET status = ?1, outcome = ?2, error = ?3, end_time = ?4, last_updated_time = ?4,
         start_time = CASE WHEN start_time = '${NEVER}' THEN ?4 ELSE start_time END
       WHERE job_id = ?5 AND device_id = ?6 AND module_id = ?7 AND status IN ('pending', 'running')`,
    )
    .run(
      end.status,
      outcome === undefined ? null : JSON.stringify(outcome),
      end.status === 'failed' ? JSON.stringify(end.error) : null,
      now,
      jobId,
      ...identityColumns(identity),
    );
}

const methodResponse = (result: MethodResult | undefined): JsonObject | null =>
  result === undefined ? null : { status: result.status, payload: result.payload };

/** Ends the parts that have not ended, or those alone whose outcome is not known any more. For use within a write. */
export function failOpenParts(
  { store, clock }: JobsHub,
  jobId: string,
  error: DeviceJobError,
  which: 'all' | 'running' = 'all',
): void {
  const now = utcText(clock.nowMs());
  store
    .sql(
      `UPDATE device_jobs SET status = 'failed', error = ?1, end_time = ?2, last_updated_time = ?2
       WHERE job_id = ?3 AND status IN ('running', ?4)`,
    )
    .run(JSON.stringify(error), now, jobId, which === 'all' ? 'pending' : 'running');
}

/** Calls off the parts that have not ended. For use within a write. */
export function cancelOpenParts({ store, clock }: JobsHub, jobId: string): void {
  store
    .sql(
      `UPDATE device_jobs SET status = 'canceled', end_time = ?1, last_updated_time = ?1
       WHERE job_id = ?2 AND status IN ('pending', 'running')`,
    )
    .run(utcText(clock.nowMs()), jobId);
}

import type { Store } from '../../storage/store.js';
import { utcText, type Clock } from '../clock.js';
import type { Hub } from '../hub.js';
import type { JsonObject, JsonValue } from '../json.js';
import { JOB_WORK, type JobType } from './job-request.js';

/** A row of `jobs`. A job that has not begun is `scheduled`, also when its time has come. */
export interface JobRow {
  readonly sequence_number: number;
  readonly job_id: string;
  readonly type: JobType;
  readonly status: 'scheduled' | 'running' | 'completed' | 'cancelled';
  /** JSON text. */
  readonly work: string;
  readonly query_condition: string;
  readonly max_execution_seconds: number;
  readonly created_ms: number;
  readonly start_ms: number;
  readonly began_ms: number | null;
  readonly end_ms: number | null;
}

/** SQL of a job's status as clients see it: one whose time has come waits in the queue. Parameter `now`: the time. */
export const STATUS_SQL = `CASE WHEN status = 'scheduled' AND start_ms <= :now THEN 'queued' ELSE status END`;

export function findJob({ store }: { readonly store: Store }, jobId: string): JobRow | undefined {
  return store.sql('SELECT * FROM jobs WHERE job_id = ?').get(jobId) as unknown as JobRow | undefined;
}

/**
 * A job as services see it.
 *
 * @see https://learn.microsoft.com/rest/api/iothub/service/jobs/get-scheduled-job#jobresponse
 */
export function toJob(hub: Pick<Hub, 'store' | 'clock'>, row: JobRow): JsonObject {
  return {
    jobId: row.job_id,
    type: row.type,
    status: shownStatus(row, hub.clock),
    queryCondition: row.query_condition,
    [JOB_WORK[row.type]]: JSON.parse(row.work) as JsonValue,
    createdTime: utcText(row.created_ms),
    startTime: utcText(row.start_ms),
    ...(row.end_ms !== null && { endTime: utcText(row.end_ms) }),
    maxExecutionTimeInSeconds: row.max_execution_seconds,
    deviceJobStatistics: statistics(hub, row.job_id),
  };
}

const shownStatus = ({ status, start_ms }: JobRow, clock: Clock): string =>
  status === 'scheduled' && start_ms <= clock.nowMs() ? 'queued' : status;

/** Devices whose part was called off are counted in `deviceCount` alone. */
function statistics({ store }: { readonly store: Store }, jobId: string): JsonObject {
  const rows = store
    .sql('SELECT status, count(*) AS count FROM device_jobs WHERE job_id = ? GROUP BY status')
    .all(jobId) as { status: string; count: number }[];
  const counts = new Map(rows.map(({ status, count }) => [status, count]));
  return {
    deviceCount: rows.reduce((sum, { count }) => sum + count, 0),
    failedCount: counts.get('failed') ?? 0,
    succeededCount: counts.get('completed') ?? 0,
    runningCount: counts.get('running') ?? 0,
    pendingCount: counts.get('pending') ?? 0,
  };
}

import { HubError } from '../errors/hub-errors.js';
import type { Hub } from '../hub.js';
import type { JsonObject } from '../json.js';
import { cancelOpenParts } from './device-job-rows.js';
import { readJobRequest } from './job-request.js';
import { findJob, toJob } from './job-rows.js';

/** Jobs that may be under way at once. @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-quotas-throttling (S1) */
const MAX_ACTIVE_JOBS = 1;

/**
 * Schedules a job; one without a start time, or with one in the past, begins at once.
 *
 * @param body parsed JSON, not yet checked.
 * @returns the job, once it is on disk. From then on it runs by itself, also after a restart.
 * @throws {@link HubError} `ArgumentInvalid`, `MessageTooLarge`, `JobAlreadyExists`, and
 *   `ThrottlingMaxActiveJobCountExceeded` for one to begin at once while another is under way.
 * @see https://learn.microsoft.com/rest/api/iothub/service/jobs/create-scheduled-job
 */
export async function createJob(hub: Hub, jobId: string, body: unknown): Promise<JsonObject> {
  const request = readJobRequest(jobId, body);
  const job = await hub.store.write(() => {
    if (findJob(hub, jobId) !== undefined) throw new HubError('JobAlreadyExists', `There is a job ${jobId} already.`);
    const now = hub.clock.nowMs();
    const startMs = Math.max(request.startMs ?? now, now);
    if (startMs === now && activeJobs(hub, now) >= MAX_ACTIVE_JOBS) {
      throw new HubError(
        'ThrottlingMaxActiveJobCountExceeded',
        `${MAX_ACTIVE_JOBS} job may be under way at once. Wait for its end, or give this one a later startTime.`,
      );
    }
    hub.store
      .sql(
        `INSERT INTO jobs (job_id, type, status, work, query_condition, max_execution_seconds, created_ms, start_ms)
         VALUES (?, ?, 'scheduled', ?, ?, ?, ?, ?)`,
      )
      .run(
        jobId,
        request.type,
        JSON.stringify(request.work),
        request.queryCondition,
        request.maxExecutionSeconds,
        now,
        startMs,
      );
    return toJob(hub, requireJob(hub, jobId));
  });
  hub.jobs.created();
  // Of one that begins later, too: only when it is asked for again is it `scheduled`.
  return { ...job, status: 'queued' };
}

/**
 * A job as it is now.
 *
 * @returns for an id that no job has, one of type and status `unknown`: so the hub itself answers.
 */
export function getJob(hub: Hub, jobId: string): JsonObject {
  const row = findJob(hub, jobId);
  return row === undefined ? { type: 'unknown', status: 'unknown' } : toJob(hub, row);
}

/**
 * Calls a job off: what has not begun does not begin, answers that are still awaited are not waited for. One that has
 * ended stays as it is.
 *
 * @throws {@link HubError} `JobNotFound`.
 */
export async function cancelJob(hub: Hub, jobId: string): Promise<JsonObject> {
  const job = await hub.store.write(() => {
    requireJob(hub, jobId);
    const now = hub.clock.nowMs();
    const { changes } = hub.store
      .sql(`UPDATE jobs SET status = 'cancelled', end_ms = ? WHERE job_id = ? AND status IN ('scheduled', 'running')`)
      .run(now, jobId);
    if (changes === 1) cancelOpenParts(hub, jobId);
    return toJob(hub, requireJob(hub, jobId));
  });
  hub.jobs.cancelled(jobId);
  return job;
}

function requireJob(hub: Hub, jobId: string) {
  const row = findJob(hub, jobId);
  if (row === undefined) throw new HubError('JobNotFound', `There is no job ${jobId}.`);
  return row;
}

function activeJobs({ store }: Hub, now: number): number {
  const { count } = store
    .sql(`SELECT count(*) AS count FROM jobs WHERE status = 'running' OR (status = 'scheduled' AND start_ms <= ?)`)
    .get(now) as { count: number };
  return count;
}

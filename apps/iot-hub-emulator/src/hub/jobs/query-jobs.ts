import { HubError } from '../errors/hub-errors.js';
import type { Hub } from '../hub.js';
import { readContinuation, writeContinuation } from '../query/continuation-token.js';
import { pageSize, type PageRequest, type QueryPage } from '../query/query-page.js';
import { STATUS_SQL, toJob, type JobRow } from './job-rows.js';

/** Types and statuses of jobs. @see https://learn.microsoft.com/rest/api/iothub/service/jobs/query-scheduled-jobs */
const TYPES = [
  'unknown',
  'export',
  'import',
  'backup',
  'readDeviceProperties',
  'writeDeviceProperties',
  'updateDeviceConfiguration',
  'rebootDevice',
  'factoryResetDevice',
  'firmwareUpdate',
  'scheduleDeviceMethod',
  'scheduleUpdateTwin',
  'restoreFromBackup',
  'failoverDataCopy',
];
const STATUSES = ['unknown', 'enqueued', 'running', 'completed', 'failed', 'cancelled', 'scheduled', 'queued'];

/** Which jobs a caller asks for; texts not yet checked. */
export interface JobsRequest extends PageRequest {
  readonly jobType?: string;
  readonly jobStatus?: string;
}

/** One page of the hub's jobs, the newest first. @throws {@link HubError} `ArgumentInvalid`. */
export function queryJobs(hub: Hub, request: JobsRequest): QueryPage {
  const size = pageSize(request);
  const type = known('jobType', TYPES, request.jobType);
  const status = known('jobStatus', STATUSES, request.jobStatus);
  const query = JSON.stringify([type, status]);
  const { continuation } = request;
  const from = continuation === undefined ? undefined : readContinuation(query, continuation, 1);
  const rows = hub.store
    .sql(
      `SELECT * FROM jobs
       WHERE sequence_number < :before AND (:type IS NULL OR type = :type) AND (:status IS NULL OR ${STATUS_SQL} = :status)
       ORDER BY sequence_number DESC LIMIT :limit`,
    )
    .all({
      before: from?.after?.[0] ?? Number.MAX_SAFE_INTEGER,
      type,
      status,
      now: hub.clock.nowMs(),
      limit: size + 1,
    }) as unknown as JobRow[];
  const page = rows.slice(0, size);
  const last = page.at(-1);
  const taken = (from?.taken ?? 0) + page.length;
  return {
    items: page.map((row) => toJob(hub, row)),
    itemType: 'JobResponse',
    ...(rows.length > size &&
      last !== undefined && { continuation: writeContinuation(query, { taken, after: [last.sequence_number] }) }),
  };
}

/** @returns null for any. */
function known(name: string, values: readonly string[], text: string | undefined): string | null {
  if (text === undefined) return null;
  const value = values.find((candidate) => candidate.toLowerCase() === text.toLowerCase());
  if (value === undefined) throw new HubError('ArgumentInvalid', `${name} must be one of ${values.join(', ')}.`);
  return value;
}

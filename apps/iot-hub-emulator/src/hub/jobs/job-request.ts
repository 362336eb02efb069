import { z } from 'zod';
import { HubError } from '../errors/hub-errors.js';
import { isJsonObject, type JsonObject } from '../json.js';
import { readMethodRequest } from '../methods/method-request.js';
import { compileTarget } from '../query/target-condition.js';
import { invalidInput } from '../registry/identity-input.js';
import { readTwinChange } from '../twins/twin-change.js';

/** What a job does to each of its devices. */
export type JobType = 'scheduleDeviceMethod' | 'scheduleUpdateTwin';

/** The member of a job's JSON that says what is to be done. */
export const JOB_WORK = {
  scheduleDeviceMethod: 'cloudToDeviceMethod',
  scheduleUpdateTwin: 'updateTwin',
} as const satisfies Record<JobType, string>;

/** A job that runs longer than this has failed, unless it asks for another time. As the official SDKs say it. */
const DEFAULT_EXECUTION_SECONDS = 3600;

/** Rule for job ids. @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-jobs#job-lifecycle */
const JOB_ID = /^[A-Za-z0-9-]{1,64}$/;

/** ISO 8601; without a zone it is UTC. */
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?$/i;

const requestSchema = z.object({
  jobId: z.union([z.string(), z.number()]).nullish(),
  type: z.enum(['scheduleDeviceMethod', 'scheduleUpdateTwin']),
  cloudToDeviceMethod: z.unknown().optional(),
  updateTwin: z.unknown().optional(),
  queryCondition: z.string().min(1).regex(/\S/, 'must not be empty; * means all devices'),
  startTime: z
    .string()
    .refine((text) => text === '' || Number.isFinite(timeOf(text)), 'must be a time in ISO 8601')
    .nullish(),
  maxExecutionTimeInSeconds: z.int().min(1).nullish(),
});

/** A job to be scheduled, checked. */
export interface JobRequest {
  readonly jobId: string;
  readonly type: JobType;
  /** The direct method, or the twin's change with its etag, as given. */
  readonly work: JsonObject;
  readonly queryCondition: string;
  /** Milliseconds since 1970; undefined for at once. */
  readonly startMs: number | undefined;
  readonly maxExecutionSeconds: number;
}

/**
 * Checks a parsed job, its work and its condition included.
 *
 * @param jobId as the path has it.
 * @throws {@link HubError} `ArgumentInvalid`, `MessageTooLarge`.
 */
export function readJobRequest(jobId: string, body: unknown): JobRequest {
  if (!JOB_ID.test(jobId)) {
    throw new HubError('ArgumentInvalid', 'A job id has 1 to 64 ASCII letters, digits and hyphens.');
  }
  const parsed = requestSchema.safeParse(body);
  if (!parsed.success) throw invalidInput(parsed.error);
  const { type, queryCondition, startTime, maxExecutionTimeInSeconds, ...rest } = parsed.data;
  if (rest.jobId != null && String(rest.jobId) !== jobId) {
    throw new HubError('ArgumentInvalid', 'jobId must be the one in the path.');
  }
  const work = rest[JOB_WORK[type]];
  if (!isJsonObject(work)) {
    throw new HubError('ArgumentInvalid', `A job of type ${type} needs ${JOB_WORK[type]}, a JSON object.`);
  }
  checkWork(type, work);
  compileTarget(queryCondition);
  return {
    jobId,
    type,
    work,
    queryCondition,
    startMs: startTime == null || startTime === '' ? undefined : timeOf(startTime),
    maxExecutionSeconds: maxExecutionTimeInSeconds ?? DEFAULT_EXECUTION_SECONDS,
  };
}

function checkWork(type: JobType, work: JsonObject): void {
  if (type === 'scheduleDeviceMethod') {
    readMethodRequest(work);
    return;
  }
  const { tags, desired } = readTwinChange(work, 'merge');
  if (tags === undefined && desired === undefined) {
    throw new HubError('ArgumentInvalid', 'updateTwin has neither tags nor desired properties.');
  }
  if (work.etag != null && typeof work.etag !== 'string') {
    throw new HubError('ArgumentInvalid', 'updateTwin.etag must be a text; * stands for any.');
  }
}

function timeOf(text: string): number {
  const time = TIME.exec(text);
  return time === null ? Number.NaN : Date.parse(time[1] === undefined ? `${text}Z` : text);
}

import { callAt } from '../call-at.js';
import { HubError } from '../errors/hub-errors.js';
import type { Hub } from '../hub.js';
import type { Identity } from '../identity.js';
import type { JsonObject } from '../json.js';
import { invokeMethod } from '../methods/invoke-method.js';
import { changeTwin } from '../twins/service-twin.js';
import { beginPart, endPart, failOpenParts, insertTargets, pendingParts } from './device-job-rows.js';
import type { JobRow } from './job-rows.js';

/** Twins changed in one commit. */
const TWINS_AT_ONCE = 100;
/** Direct methods a job waits for at once. */
const METHODS_AT_ONCE = 32;

/**
 * Runs a job to its end, or from where it was when the hub was stopped. Its devices are chosen when it begins.
 * A twin's change and the note of it are one commit: no twin is changed twice. A direct method is noted before it is
 * called, and never called again: if the hub stops in between, the device's part has failed.
 *
 * @param signal ends it early; its rows stay as they are then.
 * @returns once its end is on disk.
 */
export async function runJob(hub: Hub, job: JobRow, signal: AbortSignal): Promise<void> {
  const beganMs = job.began_ms ?? (await begin(hub, job));
  if (beganMs === undefined) return;
  if (job.began_ms !== null) await failInterrupted(hub, job);
  const late = new AbortController();
  const stopClock = callAt(hub.clock, beganMs + job.max_execution_seconds * 1000, () => {
    late.abort();
  });
  try {
    const ended = AbortSignal.any([signal, late.signal]);
    if (job.type === 'scheduleUpdateTwin') await updateTwins(hub, job, ended);
    else await invokeMethods(hub, job, ended);
  } finally {
    stopClock();
  }
  if (!signal.aborted) await finish(hub, job, late.signal.aborted);
}

/** @returns when it began; undefined if it was cancelled before. */
async function begin(hub: Hub, job: JobRow): Promise<number | undefined> {
  hub.activity.flush();
  return await hub.store.write(() => {
    const now = hub.clock.nowMs();
    const { changes } = hub.store
      .sql(`UPDATE jobs SET status = 'running', began_ms = ? WHERE job_id = ? AND status = 'scheduled'`)
      .run(now, job.job_id);
    if (changes === 0) return undefined;
    insertTargets(hub, job);
    return now;
  });
}

async function failInterrupted(hub: Hub, job: JobRow): Promise<void> {
  await hub.store.writeOne(() => {
    const description = 'The hub was stopped while it waited for the answer; the method may have been called.';
    failOpenParts(hub, job.job_id, { code: 'ServiceUnavailable', description }, 'running');
  });
}

async function finish(hub: Hub, job: JobRow, late: boolean): Promise<void> {
  await hub.store.write(() => {
    if (late) {
      const description = `The job had not ended after ${job.max_execution_seconds} seconds.`;
      failOpenParts(hub, job.job_id, { code: 'RequestTimedOut', description });
    }
    hub.store
      .sql(`UPDATE jobs SET status = 'completed', end_ms = ? WHERE job_id = ? AND status = 'running'`)
      .run(hub.clock.nowMs(), job.job_id);
  });
}

async function updateTwins(hub: Hub, { job_id: jobId, work }: JobRow, ended: AbortSignal): Promise<void> {
  const change = JSON.parse(work) as JsonObject;
  const ifMatch = typeof change.etag === 'string' && change.etag !== '' ? change.etag : undefined;
  while (!ended.aborted) {
    const parts = pendingParts(hub, jobId, TWINS_AT_ONCE);
    if (parts.length === 0) return;
    await allOf(
      parts.map((identity) =>
        orFail(hub, jobId, identity, () =>
          changeTwin(hub, identity, change, {
            mode: 'merge',
            ifMatch,
            alongside: () => {
              endPart(hub, jobId, identity, { status: 'completed' });
            },
          }),
        ),
      ),
    );
  }
}

async function invokeMethods(hub: Hub, { job_id: jobId, work }: JobRow, ended: AbortSignal): Promise<void> {
  const request = JSON.parse(work) as JsonObject;
  await allOf(
    Array.from({ length: METHODS_AT_ONCE }, async () => {
      while (!ended.aborted) {
        const [identity] = pendingParts(hub, jobId, 1);
        if (identity === undefined) return;
        await hub.store.writeOne(() => {
          beginPart(hub, jobId, identity);
        });
        await orFail(
          hub,
          jobId,
          identity,
          async () => {
            const methodResponse = await invokeMethod(hub, identity, request, ended);
            await hub.store.writeOne(() => {
              endPart(hub, jobId, identity, { status: 'completed', methodResponse });
            });
          },
          ended,
        );
      }
    }),
  );
}

/** What the hub refuses is how the device's part ended, unless the job is over: then its own end says how. */
async function orFail(
  hub: Hub,
  jobId: string,
  identity: Identity,
  work: () => Promise<unknown>,
  ended?: AbortSignal,
): Promise<void> {
  try {
    await work();
  } catch (cause) {
    if (!(cause instanceof HubError)) throw cause;
    if (ended?.aborted) return;
    const error = { code: cause.errorName, description: cause.message };
    await hub.store.writeOne(() => {
      endPart(hub, jobId, identity, { status: 'failed', error });
    });
  }
}

/** Waits for all of them, also when one fails; then fails as that did. */
async function allOf(work: readonly Promise<void>[]): Promise<void> {
  const outcomes = await Promise.allSettled(work);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

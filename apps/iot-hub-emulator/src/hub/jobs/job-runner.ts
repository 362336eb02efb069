import { callAt } from '../call-at.js';
import type { Hub } from '../hub.js';
import type { JobListener } from './job-changes.js';
import type { JobRow } from './job-rows.js';
import { runJob } from './run-job.js';

const DAY_MS = 24 * 60 * 60 * 1000;

/** How long a job that has ended is remembered. @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-quotas-throttling */
const HISTORY_MS = 30 * DAY_MS;

/** After a failure of the hub itself, a full disk for instance. */
const RETRY_MS = 10_000;

/**
 * Runs the hub's jobs, one after the other, each when its time has come; first the one that ran when the hub was stopped.
 *
 * @returns a function that lets go of the job that runs, for the next start to go on with, and resolves when it has.
 */
export function keepJobsRunning(hub: Hub): () => Promise<void> {
  const runner = new JobRunner(hub);
  const ignore = hub.jobs.listen(runner);
  runner.wake();
  return async () => {
    ignore();
    await runner.stop();
  };
}

class JobRunner implements JobListener {
  private stopped = false;
  private current:
    { readonly jobId: string; readonly abort: AbortController; readonly done: Promise<void> } | undefined;
  private cancelTimer: () => void = () => undefined;

  constructor(private readonly hub: Hub) {}

  created(): void {
    this.wake();
  }

  cancelled(jobId: string): void {
    if (this.current?.jobId === jobId) this.current.abort.abort();
  }

  /** Looks for a job whose time has come. */
  wake(): void {
    if (this.stopped) return;
    this.forgetOldJobs();
    if (this.current !== undefined) return;
    const job = this.nextJob();
    if (job !== undefined && (job.status === 'running' || job.start_ms <= this.hub.clock.nowMs())) this.run(job);
    else this.wakeAt(job?.start_ms ?? Infinity);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.cancelTimer();
    this.current?.abort.abort();
    await this.current?.done;
  }

  private run(job: JobRow): void {
    this.cancelTimer();
    const abort = new AbortController();
    const done = runJob(this.hub, job, abort.signal).then(
      () => {
        this.current = undefined;
        this.wake();
      },
      (cause: unknown) => {
        this.current = undefined;
        this.hub.logger.error({ err: cause, jobId: job.job_id }, 'A job could not go on');
        if (!this.stopped) this.wakeAt(this.hub.clock.nowMs() + RETRY_MS);
      },
    );
    this.current = { jobId: job.job_id, abort, done };
  }

  /** @param timeMs at the latest in a day, when some jobs may be old enough to be forgotten. */
  private wakeAt(timeMs: number): void {
    const { clock } = this.hub;
    this.cancelTimer();
    this.cancelTimer = callAt(clock, Math.min(timeMs, clock.nowMs() + DAY_MS), () => {
      this.wake();
    });
  }

  /** The job that runs, or else the first to begin. */
  private nextJob(): JobRow | undefined {
    return this.hub.store
      .sql(
        `SELECT * FROM jobs WHERE status IN ('running', 'scheduled')
         ORDER BY status = 'running' DESC, start_ms, sequence_number LIMIT 1`,
      )
      .get() as unknown as JobRow | undefined;
  }

  private forgetOldJobs(): void {
    const { store, clock } = this.hub;
    store.writeLater(() => store.sql('DELETE FROM jobs WHERE end_ms < ?').run(clock.nowMs() - HISTORY_MS));
  }
}

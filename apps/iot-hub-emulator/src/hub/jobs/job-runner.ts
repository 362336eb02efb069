import type { Hub } from '../hub.js';
import { callAt } from './call-at.js';
import type { JobRow } from './job-rows.js';
import { runJob } from './run-job.js';

const DAY_MS = 24 * 60 * 60 * 1000;

/** How long a job that has ended is remembered. @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-quotas-throttling */
const HISTORY_MS = 30 * DAY_MS;

/** After a failure of the hub itself, a full disk for instance. */
const RETRY_MS = 10_000;

/** Runs the hub's jobs, one after the other, each when its time has come. */
export class JobRunner {
  private hub: Hub | undefined;
  private current:
    { readonly jobId: string; readonly abort: AbortController; readonly done: Promise<void> } | undefined;
  private cancelTimer: () => void = () => undefined;

  /** Goes on with the job that ran when the hub was stopped, and then with the others. */
  start(hub: Hub): void {
    this.hub = hub;
    this.wake();
  }

  /** Looks for a job whose time has come. */
  wake(): void {
    const { hub } = this;
    if (hub === undefined) return;
    this.forgetOldJobs(hub);
    if (this.current === undefined) {
      const job = nextJob(hub);
      if (job !== undefined && (job.status === 'running' || job.start_ms <= hub.clock.nowMs())) this.run(hub, job);
      else this.wakeAt(hub, job?.start_ms ?? Infinity);
    }
  }

  /** Takes note that a job was cancelled. */
  cancelled(jobId: string): void {
    if (this.current?.jobId === jobId) this.current.abort.abort();
  }

  /** Lets go of the job that runs; the next start goes on with it. */
  async stop(): Promise<void> {
    this.hub = undefined;
    this.cancelTimer();
    this.current?.abort.abort();
    await this.current?.done;
  }

  private run(hub: Hub, job: JobRow): void {
    this.cancelTimer();
    const abort = new AbortController();
    const ended = (next: () => void) => {
      this.current = undefined;
      if (this.hub !== undefined) next();
    };
    const done = runJob(hub, job, abort.signal).then(
      () => {
        ended(() => {
          this.wake();
        });
      },
      (cause: unknown) => {
        hub.logger.error({ err: cause, jobId: job.job_id }, 'A job could not go on');
        ended(() => {
          this.wakeAt(hub, hub.clock.nowMs() + RETRY_MS);
        });
      },
    );
    this.current = { jobId: job.job_id, abort, done };
  }

  /** @param timeMs at the latest in a day, when some jobs may be old enough to be forgotten. */
  private wakeAt(hub: Hub, timeMs: number): void {
    this.cancelTimer();
    this.cancelTimer = callAt(hub.clock, Math.min(timeMs, hub.clock.nowMs() + DAY_MS), () => {
      this.wake();
    });
  }

  private forgetOldJobs({ store, clock, logger }: Hub): void {
    try {
      store.writeLater(() => store.sql('DELETE FROM jobs WHERE end_ms < ?').run(clock.nowMs() - HISTORY_MS));
    } catch (cause) {
      logger.error({ err: cause }, 'Old jobs could not be deleted');
    }
  }
}

/** The job that runs, or else the first to begin. */
function nextJob({ store }: Hub): JobRow | undefined {
  return store
    .sql(
      `SELECT * FROM jobs WHERE status IN ('running', 'scheduled')
       ORDER BY status = 'running' DESC, start_ms, sequence_number LIMIT 1`,
    )
    .get() as unknown as JobRow | undefined;
}

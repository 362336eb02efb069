import type { Clock } from '../clock.js';

/** One timer for many times: runs its task at the earliest one asked for. */
export class Deadline {
  private dueMs = Infinity;
  private cancel: () => void = () => undefined;
  private stopped = false;

  constructor(
    private readonly clock: Clock,
    private readonly task: () => void,
  ) {}

  /** Sees to it that the task runs at this time or, as asked for before, earlier. */
  by(timeMs: number): void {
    if (this.stopped || timeMs >= this.dueMs) return;
    this.cancel();
    this.dueMs = timeMs;
    this.cancel = this.clock.after(Math.max(0, timeMs - this.clock.nowMs()), () => {
      this.dueMs = Infinity;
      this.task();
    });
  }

  stop(): void {
    this.stopped = true;
    this.cancel();
  }
}

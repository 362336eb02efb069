import type { Clock } from './clock.js';

/** Timers reach 24 days; what is further off is looked at again after a day. */
const LONGEST_WAIT_MS = 24 * 60 * 60 * 1000;

/** Calls `task` once when the clock has reached a time, however far off, in a turn of its own. @returns a function that calls it off. */
export function callAt(clock: Clock, timeMs: number, task: () => void): () => void {
  let cancel = wait();
  return () => {
    cancel();
  };

  function wait(): () => void {
    const delayMs = Math.max(0, timeMs - clock.nowMs());
    return clock.after(Math.min(delayMs, LONGEST_WAIT_MS), () => {
      if (clock.nowMs() >= timeMs) task();
      else cancel = wait();
    });
  }
}

import type { Clock } from '../src/hub/clock.js';

/** The longest a timer of Node can wait; a longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A clock for tests, which goes only when told to. */
export interface ManualClock extends Clock {
  /** Lets time pass, and runs the timers that are due then. */
  advance(ms: number): void;
  /** How many timers wait. */
  readonly timers: number;
}

/** @param nowMs where the clock starts, in milliseconds since 1970. */
export function manualClock(nowMs: number): ManualClock {
  const timers = new Map<() => void, number>();
  return {
    nowMs: () => nowMs,
    after(delayMs, task) {
      if (delayMs > LONGEST_TIMER_MS) throw new RangeError('No timer can wait that long.');
      const timer = () => {
        task();
      };
      timers.set(timer, nowMs + delayMs);
      return () => {
        timers.delete(timer);
      };
    },
    advance(ms) {
      nowMs += ms;
      for (const [timer, dueMs] of [...timers]) {
        if (dueMs <= nowMs && timers.delete(timer)) timer();
      }
    },
    get timers() {
      return timers.size;
    },
  };
}

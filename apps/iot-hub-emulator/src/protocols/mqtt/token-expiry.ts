import type { Clock } from '../../hub/clock.js';

/** Timers hold 31 bits of milliseconds at most; tokens may live for years. */
const LONGEST_TIMER_MS = 24 * 60 * 60 * 1000;

/** Calls `expired` when the clock reaches a time, however far away. The returned function calls it off. */
export function atExpiry(clock: Clock, expiresAtMs: number, expired: () => void): () => void {
  let cancel: () => void;
  const wait = (): void => {
    const leftMs = expiresAtMs - clock.nowMs();
    if (leftMs <= 0) expired();
    else cancel = clock.after(Math.min(leftMs, LONGEST_TIMER_MS), wait);
  };
  cancel = () => undefined;
  wait();
  return () => {
    cancel();
  };
}

/** Time as the hub sees it. Tests pass their own, so that nothing in them has to wait. */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  nowMs(): number;
  /** Calls `task` once, `delayMs` from now (24 days at most). The returned function calls it off. */
  after(delayMs: number, task: () => void): () => void;
}

/** The machine's clock. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs);
    timer.unref();
    return () => {
      clearTimeout(timer);
    };
  },
};

/** The text IoT Hub uses for a time that was never set. */
export const NEVER = '0001-01-01T00:00:00Z';

/** A time as IoT Hub writes it in JSON: ISO 8601 in UTC with milliseconds, sortable as text. */
export const utcText = (timeMs: number): string => new Date(timeMs).toISOString();

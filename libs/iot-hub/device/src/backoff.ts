/** How long to wait between attempts: `floorMs` plus a random part that grows from `baseMs` to `capMs`. */
export interface Backoff {
  floorMs: number;
  baseMs: number;
  capMs: number;
}

/**
 * The delay before another attempt, with full jitter: any time up to a limit that doubles with each attempt. So devices
 * that lost one hub together do not come back together.
 *
 * @param attempt - failures in a row before this delay, from 0
 * @param random - gives a number from 0 up to, but not including, 1
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function fullJitterDelayMs({ floorMs, baseMs, capMs }: Backoff, attempt: number, random: () => number): number {
  // Beyond 2^30 the limit is the cap anyway, and the power would overflow one day.
  const limitMs = Math.min(capMs, baseMs * 2 ** Math.min(attempt, 30));
  return floorMs + Math.round(random() * limitMs);
}

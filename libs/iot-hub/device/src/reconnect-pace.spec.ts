import fc from 'fast-check';
import { fullJitterDelayMs } from './backoff.js';
import { ReconnectPace } from './reconnect-pace.js';

describe(fullJitterDelayMs.name, () => {
  it('lies between the floor and the limit of the attempt', () => {
    fc.assert(
      fc.property(
        fc.nat(5_000),
        fc.nat(5_000),
        fc.nat(100_000),
        fc.nat(),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (floorMs, baseMs, capMs, attempt, random) => {
          const delayMs = fullJitterDelayMs({ floorMs, baseMs, capMs }, attempt, () => random);
          expect(delayMs).toBeGreaterThanOrEqual(floorMs);
          expect(delayMs).toBeLessThanOrEqual(floorMs + Math.min(capMs, baseMs * 2 ** Math.min(attempt, 30)));
        },
      ),
    );
  });

  it('uses the whole range, so that devices do not come back together', () => {
    const delays = [0, 0.25, 0.5, 0.75].map((random) =>
      fullJitterDelayMs({ floorMs: 0, baseMs: 1_000, capMs: 60_000 }, 3, () => random),
    );
    expect(delays).toEqual([0, 2_000, 4_000, 6_000]);
  });
});

describe(ReconnectPace.name, () => {
  it.each([
    ['unreachable', 0, 60_000],
    ['throttled', 0, 300_000],
    ['rejected', 5_000, 285_000],
    ['untrusted', 5_000, 65_000],
    ['replaced', 30_000, 90_000],
  ] as const)('waits %s from %d to %d ms in the end', (kind, shortestMs, longestMs) => {
    const delays = [0, 0.999_999].map((random) => {
      const pace = new ReconnectPace(() => random);
      for (let count = 0; count < 20; count += 1) pace.afterFailure(kind);
      return pace.afterFailure(kind);
    });
    expect(delays).toEqual([shortestMs, longestMs]);
  });
});

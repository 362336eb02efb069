import { manualClock } from '../../../test-support/manual-clock.js';
import { allowedSilenceMs, KeepAlive } from './keep-alive.js';

describe(allowedSilenceMs.name, () => {
  it.each([
    [1, 1_500],
    [180, 270_000],
    [1177, 1_765_500],
    [1179, 1_767_000],
    [65535, 1_767_000],
    [0, 1_767_000],
  ])('allows a client with a keep-alive of %d s %d ms', (keepAliveSeconds, silenceMs) => {
    expect(allowedSilenceMs(keepAliveSeconds)).toBe(silenceMs);
  });
});

describe(KeepAlive.name, () => {
  it('expires after silence, counted from what was heard last', () => {
    const clock = manualClock(1_000_000);
    const expired = jest.fn();
    const keepAlive = new KeepAlive(clock, 1500, expired);
    clock.advance(1000);
    keepAlive.heard();
    clock.advance(1000);
    expect(expired).not.toHaveBeenCalled();
    clock.advance(499);
    expect(expired).not.toHaveBeenCalled();
    clock.advance(1);
    expect(expired).toHaveBeenCalledTimes(1);
    expect(clock.timers).toBe(0);
  });

  it('leaves no timer behind when stopped, also after it went on once', () => {
    const clock = manualClock(1_000_000);
    const expired = jest.fn();
    const keepAlive = new KeepAlive(clock, 1500, expired);
    clock.advance(1000);
    keepAlive.heard();
    clock.advance(1000);
    keepAlive.stop();
    expect(clock.timers).toBe(0);
    clock.advance(10_000);
    expect(expired).not.toHaveBeenCalled();
  });
});

import { manualClock } from '../../test-support/manual-clock.js';
import { callAt } from './call-at.js';

describe(callAt.name, () => {
  it('waits for times further away than a timer can', () => {
    const clock = manualClock(1_000_000);
    const task = jest.fn();
    const days = 24 * 60 * 60 * 1000;
    callAt(clock, clock.nowMs() + 60 * days, task);
    for (let day = 0; day < 59; day += 1) clock.advance(days);
    expect(task).not.toHaveBeenCalled();
    clock.advance(days);
    expect(task).toHaveBeenCalledTimes(1);
  });

  it('can be called off at any stage', () => {
    const clock = manualClock(1_000_000);
    const task = jest.fn();
    const days = 24 * 60 * 60 * 1000;
    const cancel = callAt(clock, clock.nowMs() + 3 * days, task);
    clock.advance(days);
    cancel();
    expect(clock.timers).toBe(0);
    clock.advance(9 * days);
    expect(task).not.toHaveBeenCalled();
  });
});

import { DeliveryPace, type EventLoop } from './delivery-pace.js';

/** An event loop whose time passes only while somebody waits or works, and of which others need a share. */
class ScriptedLoop implements EventLoop {
  neededByOthers = 0;
  private passedMs = 0;

  nowMs(): number {
    return this.passedMs;
  }

  takeUtilization(): number {
    return this.neededByOthers;
  }

  endOfTurn(): Promise<void> {
    return Promise.resolve();
  }

  wait(ms: number, signal: AbortSignal): Promise<void> {
    if (!signal.aborted) this.passedMs += ms;
    return Promise.resolve();
  }

  pass(ms: number): void {
    this.passedMs += ms;
  }
}

describe(DeliveryPace.name, () => {
  const { signal } = new AbortController();
  let loop: ScriptedLoop;
  let pace: DeliveryPace;

  beforeEach(() => {
    loop = new ScriptedLoop();
    pace = new DeliveryPace(loop);
  });

  const deliver = async (tookMs: number) => {
    await pace.ready(signal);
    await pace.run(() => {
      loop.pass(tookMs);
      return Promise.resolve();
    });
  };
  /** How long the next delivery has to wait. */
  const pauseAfter = async (tookMs: number) => {
    await deliver(tookMs);
    const before = loop.nowMs();
    await pace.ready(signal);
    return loop.nowMs() - before;
  };

  it('hardly pauses while nobody else needs the process', async () => {
    expect(await pauseAfter(20)).toBe(2);
  });

  it('pauses for longer the more of the process others need', async () => {
    loop.neededByOthers = 0.5;
    expect(await pauseAfter(20)).toBe(90);
    loop.neededByOthers = 1;
    expect(await pauseAfter(20)).toBe(180);
  });

  it('takes a tenth of the time of a process that others need all the time, and half a second between deliveries at most', async () => {
    loop.neededByOthers = 1;
    for (let count = 0; count < 10; count += 1) await deliver(20);
    expect(loop.nowMs()).toBe(10 * 20 + 9 * 180);
    expect(await pauseAfter(2000)).toBe(500);
  });

  it('lets those who deliver seldom deliver at once', async () => {
    loop.neededByOthers = 1;
    await deliver(20);
    loop.pass(180);
    const before = loop.nowMs();
    await pace.ready(signal);
    expect(loop.nowMs()).toBe(before);
  });

  it('ends a pause when the hub closes', async () => {
    loop.neededByOthers = 1;
    await deliver(20);
    const before = loop.nowMs();
    await pace.ready(AbortSignal.abort());
    expect(loop.nowMs()).toBe(before);
  });

  it('pauses after a delivery that failed, too, and passes its error on', async () => {
    loop.neededByOthers = 1;
    await pace.ready(signal);
    await expect(
      pace.run(() => {
        loop.pass(10);
        return Promise.reject(new Error('broken'));
      }),
    ).rejects.toThrow('broken');
    const before = loop.nowMs();
    await pace.ready(signal);
    expect(loop.nowMs() - before).toBe(90);
  });

  it('sees by itself whether others need the process', async () => {
    const real = new DeliveryPace();
    await real.run(() => Promise.resolve());
    const endMs = performance.now() + 50;
    while (performance.now() < endMs);
    await real.ready(signal);
    await real.run(() => new Promise((resolve) => setTimeout(resolve, 20)));
    const before = performance.now();
    await real.ready(signal);
    expect(performance.now() - before).toBeGreaterThan(100);
  });
});

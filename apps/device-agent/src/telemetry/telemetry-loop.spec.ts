import { Logger } from '@nestjs/common';
import type { TwinProperties } from '#libs/iot-hub/device';
import type { MessageSender } from '../outbox/message-sender.js';
import type { CaptureEvents } from './capture-events.js';
import type { Clock } from './clock.js';
import type { MachineMetrics, SystemMetrics } from './system-metrics.js';
import { TelemetryLoop } from './telemetry-loop.js';

const MEASURED: MachineMetrics = {
  cpu_percent: 12.5,
  memory_used_bytes: 1,
  memory_total_bytes: 2,
  disk_used_bytes: 3,
  disk_total_bytes: 4,
  uptime_seconds: 5,
};

/** A clock that a test moves on. */
class TestClock implements Clock {
  ms = 0;
  private timer: { dueMs: number; run: () => void } | undefined;

  now(): Date {
    return new Date(Date.UTC(2026, 10, 23) + this.ms);
  }

  monotonicMs(): number {
    return this.ms;
  }

  startTimer(delayMs: number, run: () => void): () => void {
    if (this.timer) throw new Error('There is a timer already.');
    const timer = { dueMs: this.ms + delayMs, run };
    this.timer = timer;
    return () => {
      if (this.timer === timer) this.timer = undefined;
    };
  }

  get isIdle(): boolean {
    return this.timer === undefined;
  }

  /** Runs what is due within the time, and lets what it started come to its end. */
  async pass(seconds: number): Promise<void> {
    const endMs = this.ms + seconds * 1_000;
    while (this.timer && this.timer.dueMs <= endMs) {
      const { dueMs, run } = this.timer;
      this.timer = undefined;
      this.ms = dueMs;
      run();
      await settled();
    }
    this.ms = endMs;
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe(TelemetryLoop.name, () => {
  let clock: TestClock;
  let loop: TelemetryLoop;
  let read: jest.Mock<Promise<MachineMetrics>, []>;
  /** Second of each message since the beginning. */
  let sentAt: number[];
  let bodies: unknown[];

  beforeEach(async () => {
    Logger.overrideLogger(false);
    clock = new TestClock();
    sentAt = [];
    bodies = [];
    read = jest.fn(() => Promise.resolve(MEASURED));
    const sender: Pick<MessageSender, 'send'> = {
      send: ({ kind }, body) => {
        expect(kind).toBe('telemetry');
        sentAt.push(clock.ms / 1_000);
        bodies.push(body);
      },
    };
    loop = new TelemetryLoop(
      { read } as unknown as SystemMetrics,
      { framesCaptured: 3 } as CaptureEvents,
      sender as MessageSender,
      clock,
    );
    loop.onApplicationBootstrap();
    await settled();
  });

  const wish = (telemetry_interval_seconds: unknown, $version = 2): TwinProperties => ({
    telemetry_interval_seconds,
    $version,
  });

  it('sends at the start and then once a minute', async () => {
    await clock.pass(150);
    expect(sentAt).toEqual([0, 60, 120]);
    expect(bodies[1]).toEqual({ ...MEASURED, measured_at: '2026-11-23T00:01:00.000Z', frames_captured: 3 });
  });

  it('takes a new interval at once, counted from the message before', async () => {
    await clock.pass(20);
    expect(loop.applyInterval(wish(30))).toMatchObject({ value: 30, ac: 200, av: 2 });
    await clock.pass(40);
    expect(sentAt).toEqual([0, 30, 60]);
    loop.applyInterval(wish(120));
    await clock.pass(200);
    expect(sentAt).toEqual([0, 30, 60, 180]);
  });

  it('sends at once what is overdue by a new interval', async () => {
    await clock.pass(50);
    loop.applyInterval(wish(10));
    await clock.pass(25);
    expect(sentAt).toEqual([0, 50, 60, 70]);
  });

  it('goes on as before after a wish that it refuses', async () => {
    loop.applyInterval(wish(20));
    expect(loop.applyInterval(wish(0))).toMatchObject({ value: 20, ac: 400 });
    await clock.pass(50);
    expect(sentAt).toEqual([0, 20, 40]);
  });

  it('does not lose its rhythm when the same interval comes again, as it does after each connect', async () => {
    loop.applyInterval(wish(10));
    for (let second = 0; second < 25; second += 1) {
      await clock.pass(1);
      loop.applyInterval(wish(10));
    }
    expect(sentAt).toEqual([0, 10, 20]);
  });

  it('leaves one message out when the machine cannot be measured', async () => {
    read.mockRejectedValueOnce(new Error('EIO'));
    await clock.pass(120);
    expect(sentAt).toEqual([0, 120]);
  });

  it('ends with the application', async () => {
    loop.onModuleDestroy();
    loop.applyInterval(wish(10));
    expect(clock.isIdle).toBe(true);
    await clock.pass(1_000);
    expect(sentAt).toEqual([0]);
  });
});

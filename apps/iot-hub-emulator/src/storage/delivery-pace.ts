import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';

/** How long a pause is when others need the process all the time, as a multiple of how long the delivery before it took. */
const PAUSE_FACTOR = 9;
/** Long enough to see whether others need the process. */
const SHORTEST_PAUSE_MS = 2;
/** However busy the process is, delivery goes on. */
const LONGEST_PAUSE_MS = 500;

/** Of the process's event loop. */
export interface EventLoop {
  nowMs(): number;
  /** Share of time in which it worked since the last call; 0 to 1. */
  takeUtilization(): number;
  /** Resolves when this turn's work is done. */
  endOfTurn(): Promise<void>;
  /** @param signal ends the wait early. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

/**
 * Lets others go first in a process that delivers and also takes in messages: a backlog can wait, devices cannot. What
 * others need shows between deliveries, while delivery itself does nothing; the more it is, the longer the next pause.
 */
export class DeliveryPace {
  private pauseMs = 0;
  private endedMs = -Infinity;
  private neededByOthers = 0;

  constructor(private readonly loop: EventLoop = new NodeEventLoop()) {}

  /** Resolves when the next delivery may begin, or `signal` aborts. Who delivers seldom does not wait. */
  async ready(signal: AbortSignal): Promise<void> {
    const restMs = this.endedMs + this.pauseMs - this.loop.nowMs();
    if (restMs > 0) {
      // How far the last delivery came is flushed to disk at the end of the turn: that time is its own, not the others'.
      await this.loop.endOfTurn();
      this.loop.takeUtilization();
      await this.loop.wait(restMs, signal);
    }
    this.neededByOthers = this.loop.takeUtilization();
  }

  /** Runs a delivery and determines how long the pause after it is. */
  async run<T>(deliver: () => Promise<T>): Promise<T> {
    const startedMs = this.loop.nowMs();
    try {
      return await deliver();
    } finally {
      this.loop.takeUtilization();
      this.endedMs = this.loop.nowMs();
      const wantedMs = PAUSE_FACTOR * this.neededByOthers * (this.endedMs - startedMs);
      this.pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, wantedMs));
    }
  }
}

class NodeEventLoop implements EventLoop {
  private last = performance.eventLoopUtilization();

  nowMs(): number {
    return performance.now();
  }

  takeUtilization(): number {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, this.last);
    this.last = now;
    return utilization;
  }

  endOfTurn(): Promise<void> {
    return nextTurn();
  }

  async wait(ms: number, signal: AbortSignal): Promise<void> {
    await delay(ms, undefined, { signal }).catch(() => undefined);
  }
}

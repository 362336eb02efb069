import { Injectable } from '@nestjs/common';

/** Time as the agent sees it; tests give their own. */
@Injectable()
export class Clock {
  now(): Date {
    return new Date();
  }

  /** Ever rising, whatever is done to the machine's clock. */
  monotonicMs(): number {
    return performance.now();
  }

  /** @returns what cancels it */
  startTimer(delayMs: number, run: () => void): () => void {
    const timer = setTimeout(run, delayMs);
    return () => {
      clearTimeout(timer);
    };
  }
}

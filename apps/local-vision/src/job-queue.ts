/** More jobs wait than the queue admits. */
export class QueueFullError extends Error {
  override readonly name = 'QueueFullError';
}

/** Runs one job at a time, in the order of their arrival, and lets at most `limit` others wait. */
export class JobQueue {
  private running = false;
  private readonly waiting: (() => void)[] = [];

  constructor(readonly limit: number) {}

  /** How many jobs run or wait. */
  get length(): number {
    return this.waiting.length + (this.running ? 1 : 0);
  }

  get isFull(): boolean {
    return this.running && this.waiting.length >= this.limit;
  }

  /**
   * The job's result. A job whose signal aborts while it waits gives up its place and never starts.
   *
   * @throws {@link QueueFullError} at once when no place is free.
   */
  async run<Result>(job: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
    signal.throwIfAborted();
    if (this.isFull) throw new QueueFullError('The queue is full.');
    if (this.running) await this.turn(signal);
    else this.running = true;
    try {
      signal.throwIfAborted();
      return await job();
    } finally {
      const next = this.waiting.shift();
      // The place is handed over, so that a newcomer cannot slip in between.
      if (next) next();
      else this.running = false;
    }
  }

  private turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const start = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        this.waiting.splice(this.waiting.indexOf(start), 1);
        reject(signal.reason as Error);
      };
      this.waiting.push(start);
      signal.addEventListener('abort', leave, { once: true });
    });
  }
}

/** Lets a few tasks run at once and others wait in line, up to a number. */
export class Turnstile {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly atOnce: number,
    private readonly inLine: number,
    private readonly refuse: () => Error,
  ) {}

  /** Runs `task` when its turn comes; throws what `refuse` makes when the line is full. */
  async run<Result>(task: () => Promise<Result>): Promise<Result> {
    if (this.running >= this.atOnce) {
      if (this.waiting.length >= this.inLine) throw this.refuse();
      await new Promise<void>((resume) => this.waiting.push(resume));
    } else this.running++;
    try {
      return await task();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.running--;
    }
  }
}

import { randomUUID } from 'node:crypto';

interface Lock {
  readonly queue: string;
  readonly numbers: readonly number[];
  /** `Infinity` for a lock that its holder gives back by itself. */
  readonly untilMs: number;
}

/**
 * Which messages nobody else may be given, by sequence number: those that a receiver holds, and those whose change is
 * not committed yet. In memory alone: after a restart every message is there to be received again.
 */
export class MessageLocks {
  private readonly locks = new Map<string, Lock>();
  /** Tokens of the locks that lapse, the earliest first: in one instance all last equally long. */
  private readonly lapsing = new Map<string, number>();
  private readonly hidden = new Set<number>();
  private from = 0;

  /** Whether the message is not to be handed out now. */
  isHidden(number: number): boolean {
    return this.hidden.has(number);
  }

  hide(number: number): void {
    this.hidden.add(number);
  }

  show(numbers: readonly number[]): void {
    for (const number of numbers) {
      this.hidden.delete(number);
      if (number < this.from) this.from = number;
    }
  }

  /** The messages are gone for good: nobody needs to look for them again. */
  forget(numbers: readonly number[]): void {
    for (const number of numbers) this.hidden.delete(number);
  }

  /** Where to look for a message to hand out: none before it is to be. For an instance that serves one queue. */
  get shownFrom(): number {
    return this.from;
  }

  /** Takes note that all messages up to this one are hidden, so that nobody looks at them again and again. */
  passed(number: number): void {
    this.from = number + 1;
  }

  /** Locks messages of a queue until a time. @returns the token that proves it. */
  lock(queue: string, numbers: readonly number[], untilMs: number): string {
    const token = randomUUID();
    this.locks.set(token, { queue, numbers, untilMs });
    if (untilMs !== Infinity) this.lapsing.set(token, untilMs);
    for (const number of numbers) this.hidden.add(number);
    return token;
  }

  /**
   * Ends a lock, while its messages stay hidden: {@link show} them once what becomes of them is committed.
   *
   * @returns its messages; undefined when this queue has no such lock, or it has lapsed.
   */
  take(queue: string, token: string, nowMs: number): readonly number[] | undefined {
    const lock = this.locks.get(token);
    if (lock?.queue !== queue || lock.untilMs <= nowMs) return undefined;
    this.locks.delete(token);
    this.lapsing.delete(token);
    return lock.numbers;
  }

  /** Ends the locks whose time is over. @returns the queues that have messages to give again. */
  lapse(nowMs: number): string[] {
    const queues: string[] = [];
    for (const [token, untilMs] of this.lapsing) {
      if (untilMs > nowMs) break;
      const lock = this.locks.get(token);
      this.locks.delete(token);
      this.lapsing.delete(token);
      if (lock === undefined) continue;
      this.show(lock.numbers);
      queues.push(lock.queue);
    }
    return queues;
  }

  /** When the next lock lapses; `Infinity` when none does. */
  get nextLapseMs(): number {
    for (const untilMs of this.lapsing.values()) return untilMs;
    return Infinity;
  }
}

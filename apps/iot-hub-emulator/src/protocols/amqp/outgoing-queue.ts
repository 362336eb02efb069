import type { OutgoingLink } from './outgoing-link.js';

interface Waiting {
  readonly message: object;
  readonly isWanted: () => boolean;
}

/** Sends messages on a link, as settled and in order; what there is no room for waits, up to a limit. */
export class OutgoingQueue {
  private waiting: Waiting[] = [];

  /** @param overflow called instead of sending when as many wait already: the client does not read. */
  constructor(
    private readonly link: OutgoingLink,
    private readonly limit: number,
    private readonly overflow: () => void,
  ) {}

  /**
   * Sends a message in rhea's form, now or when there is room.
   *
   * @param isWanted asked before a message that had to wait goes out; one that nobody wants any more does not.
   */
  send(message: object, isWanted: () => boolean = () => true): void {
    if (this.waiting.length === 0 && this.link.canSend) {
      this.link.send(message, { settled: true });
      return;
    }
    if (this.waiting.length >= this.limit) this.waiting = this.waiting.filter((one) => one.isWanted());
    if (this.waiting.length < this.limit) this.waiting.push({ message, isWanted });
    else this.overflow();
  }

  /** There is room to send. */
  flush(): void {
    while (this.link.canSend) {
      const next = this.waiting.shift();
      if (next === undefined) return;
      if (next.isWanted()) this.link.send(next.message, { settled: true });
    }
  }
}

import type { OutgoingLink } from './outgoing-link.js';

/** Sends messages on a link, as settled and in order; what there is no room for waits, up to a limit. */
export class OutgoingQueue {
  private readonly waiting: object[] = [];

  /** @param overflow called instead of sending when as many wait already: the client does not read. */
  constructor(
    private readonly link: OutgoingLink,
    private readonly limit: number,
    private readonly overflow: () => void,
  ) {}

  /** Sends a message in rhea's form, now or when there is room. */
  send(message: object): void {
    if (this.waiting.length === 0 && this.link.canSend) this.link.send(message, { settled: true });
    else if (this.waiting.length < this.limit) this.waiting.push(message);
    else this.overflow();
  }

  /** There is room to send. */
  flush(): void {
    while (this.link.canSend) {
      const message = this.waiting.shift();
      if (message === undefined) return;
      this.link.send(message, { settled: true });
    }
  }
}

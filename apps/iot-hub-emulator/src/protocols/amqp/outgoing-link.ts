import { message as rheaMessage } from 'rhea';
import { toAmqpError } from './amqp-errors.js';
import type { FrameStream } from './rhea/frame-stream.js';
import { giveUp, windowLeft } from './rhea/session-deliveries.js';
import type { AmqpErrorFields, RheaDelivery, RheaLink, RheaOutcomes } from './rhea/rhea-types.js';

/** What the client made of a message: completed, rejected (dead-lettered), or given back. */
export type Outcome = 'accepted' | 'rejected' | 'released' | 'modified';

/** What feeds a link that the client receives on. */
export interface OutgoingHandler {
  /**
   * There is room to send: the client gave credit, or what filled the connection is gone. Send while
   * {@link OutgoingLink.canSend}; with nothing to send now, remember to send when there is.
   */
  sendable(): void;
  /** The link is gone, for whatever reason; outcomes still awaited do not come any more. Called once. */
  closed?(): void;
  /** Link properties to answer with. */
  readonly properties?: Readonly<Record<string, unknown>>;
}

export interface SendOptions {
  /** Sent as settled: nobody waits for an outcome. */
  readonly settled?: boolean;
  /** Names the delivery, at most 32 bytes; by default it is numbered. */
  readonly tag?: Buffer;
  /**
   * Called once with what the client made of it; not at all when the link ends before. A promise is waited for before a
   * client that asked for it (rcv-settle-mode `second`) is told that the message is settled; when it rejects, the client is
   * told that its outcome was, and why.
   */
  readonly outcome?: (outcome: Outcome) => Promise<unknown> | undefined;
}

/**
 * The state of a message whose outcome could not be kept, as Service Bus gives it to a receiver of settle mode `second`.
 *
 * @see https://github.com/vcabbage/amqp/pull/99
 */
const rejected = (error: AmqpErrorFields): object =>
  (rheaMessage as object as RheaOutcomes).rejected({ error }).described();

/** A link that the client receives on: sends within credit and while the client reads, and tells what became of it. */
export class OutgoingLink {
  private handler: OutgoingHandler | undefined;
  private readonly awaited = new Map<RheaDelivery, NonNullable<SendOptions['outcome']>>();
  private sent = 0;
  /** Credit that was given up when the client asked to drain it: counted by AMQP as if it had been used. */
  private drained = 0;
  private over = false;

  constructor(
    private readonly link: RheaLink,
    private readonly stream: FrameStream,
    private readonly failed: (error: unknown) => void,
  ) {}

  /** Where the client wants the messages: the address of its own end. */
  get clientAddress(): string | undefined {
    const address = this.link.target?.address;
    return typeof address === 'string' ? address : undefined;
  }

  /** How many messages the client still has given credit for. */
  get credit(): number {
    const untransferred = this.sent - (this.link.delivery_count - this.drained);
    return this.link.is_open() ? Math.max(0, this.link.credit - untransferred) : 0;
  }

  /**
   * Whether a message sent now goes out: there is credit, the client reads, and its session has room. Before that it would
   * wait in memory, and with it all that is sent on other links of the session.
   */
  get canSend(): boolean {
    const { session } = this.link;
    return this.credit > 0 && !this.stream.isCongested && session.outgoing.available() > 0 && windowLeft(session) > 0;
  }

  /**
   * Sends a message in rhea's form (`body`, `application_properties`, `message_annotations`, … ; values of the right AMQP
   * type through `types.wrap_…`), or one that is encoded already.
   *
   * @throws Error when {@link canSend} is false: a programming error
   */
  send(message: object | Buffer, { settled = false, tag, outcome }: SendOptions = {}): void {
    if (!this.canSend) throw new Error('The link has no room to send.');
    const delivery = this.link.send(message, tag, Buffer.isBuffer(message) ? 0 : undefined);
    this.sent += 1;
    if (settled) delivery.settled = true;
    else if (outcome) this.awaited.set(delivery, outcome);
  }

  /** Ends the link from our side, for example because the token lapsed: whatever the client says to it, it is gone. */
  close(error?: AmqpErrorFields): void {
    this.link.close(error);
    this.closed();
  }

  /** Something changed that sending may have waited for: there is more to send, or room for it. */
  wake(): void {
    if (!this.canSend) return;
    this.attempt(() => {
      this.handler?.sendable();
    });
  }

  /** Does work that the link's handler has put off; what it throws ends the link, and nothing else. */
  attempt(work: () => void): void {
    try {
      work();
    } catch (cause) {
      this.failed(cause);
      this.close(toAmqpError(cause));
    }
  }

  // What the connection calls

  /** Begins to serve the link. */
  start(handler: OutgoingHandler): void {
    this.handler = handler;
    // Else nobody would ask us whether a delivery is settled at our end, too.
    if (this.link.rcv_settle_mode === 1) this.link.local.attach.rcv_settle_mode = 1;
    if (handler.properties) this.link.local.attach.properties = { ...handler.properties };
  }

  /** The client wants its credit used or given up, now. */
  drain(): void {
    this.wake();
    setImmediate(() => {
      const { link } = this;
      if (!link.is_open() || !this.isTransferred()) return;
      // rhea would count down one by one, from up to 4 billion.
      const rest = Math.max(0, link.credit - 1);
      link.delivery_count += rest;
      link.credit -= rest;
      this.drained += rest + link.credit;
      link.set_drained(true);
      link.connection._register();
    });
  }

  /** The client has told what it made of a message. */
  outcome(delivery: RheaDelivery, outcome: Outcome): void {
    const told = this.awaited.get(delivery);
    this.awaited.delete(delivery);
    void this.settle(delivery, told?.(outcome));
  }

  /** The link is gone. */
  closed(): void {
    if (this.over) return;
    this.over = true;
    giveUp(this.link.session, this.awaited.keys());
    this.awaited.clear();
    this.handler?.closed?.();
  }

  /** A client that has settled the message itself, as most do, cannot be told any more. */
  private async settle(delivery: RheaDelivery, told: Promise<unknown> | undefined): Promise<void> {
    // Settled as the client said, or not.
    let state = delivery.remote_state?.described();
    try {
      await told;
    } catch (cause) {
      this.failed(cause);
      state = rejected(toAmqpError(cause));
    }
    if (!delivery.remote_settled) delivery.update(true, state);
  }

  private isTransferred(): boolean {
    return this.sent === this.link.delivery_count - this.drained;
  }
}

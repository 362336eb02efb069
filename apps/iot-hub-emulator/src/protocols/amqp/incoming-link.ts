import { HubError } from '../../hub/errors/hub-errors.js';
import type { AmqpMessage } from './amqp-message.js';
import { toAmqpError } from './amqp-errors.js';
import type { AmqpErrorFields, RheaDelivery, RheaLink } from './rhea/rhea-types.js';

/** Messages a client may have under way on a link before it has to wait for outcomes. */
const DEFAULT_CREDIT = 100;
/** Longest message of a device, with all its properties. @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-quotas-throttling */
const DEFAULT_MAX_MESSAGE_BYTES = 256 * 1024;
/** @see https://learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-protocol-guide */
const BATCH_FORMAT = 0x80013700;

/** What becomes of the messages that a client sends on a link. */
export interface IncomingHandler {
  /** Longest message taken, as encoded; a longer one is rejected with `amqp:link:message-size-exceeded`. Default: 256 KiB. */
  readonly maxMessageBytes?: number;
  /** Messages that may be under way at once. Default: 100. */
  readonly credit?: number;
  /** Link properties to answer with. */
  readonly properties?: Readonly<Record<string, unknown>>;
  /**
   * Takes a message. Called in the order of arrival, not waiting for the outcome of the one before. The message is settled
   * as accepted when this returns or resolves, and as rejected when it throws or rejects: with the condition of a
   * {@link HubError}, otherwise as `amqp:internal-error`.
   */
  message(message: AmqpMessage): Promise<unknown> | undefined;
  /** As `message`, for an encoded batch of them (format 0x80013700). Without it batches are rejected. */
  batch?(bytes: Buffer): Promise<unknown> | undefined;
  /** The link is gone, for whatever reason. Called once. */
  closed?(): void;
}

/** A link that the client sends on: gives credit, and settles each message by what its handler makes of it. */
export class IncomingLink {
  private readonly credit: number;
  private settled = 0;
  private over = false;

  constructor(
    private readonly link: RheaLink,
    private readonly handler: IncomingHandler,
    private readonly refused: (error: unknown) => void,
  ) {
    this.credit = handler.credit ?? DEFAULT_CREDIT;
    link.local.attach.max_message_size = handler.maxMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES;
    if (handler.properties) link.local.attach.properties = { ...handler.properties };
    link.add_credit(this.credit);
  }

  /** Takes what rhea has read. */
  receive(message: AmqpMessage | Buffer, delivery: RheaDelivery): void {
    const { refusal } = this.link;
    if (refusal === 'aborted') {
      delivery.update(true);
      this.giveCredit();
      return;
    }
    if (refusal === 'too-large') {
      const limit = this.link.local.attach.max_message_size;
      this.reject(delivery, new HubError('MessageTooLarge', `The message is longer than ${limit} bytes.`));
      return;
    }
    void this.process(message, delivery);
  }

  /** Ends the link from our side: whatever the client says to it, it is gone. */
  close(error?: AmqpErrorFields): void {
    this.link.close(error);
    this.closed();
  }

  /** The link is gone. */
  closed(): void {
    if (this.over) return;
    this.over = true;
    this.handler.closed?.();
  }

  private async process(message: AmqpMessage | Buffer, delivery: RheaDelivery): Promise<void> {
    try {
      await this.handle(message, delivery);
    } catch (cause) {
      this.reject(delivery, cause);
      return;
    }
    if (delivery.remote_settled) delivery.update(true);
    else delivery.accept();
    this.giveCredit();
  }

  /** rhea leaves a message encoded whose format is not AMQP's own, 0. */
  private handle(message: AmqpMessage | Buffer, { format }: RheaDelivery): Promise<unknown> | undefined {
    if (!Buffer.isBuffer(message)) return this.handler.message(message);
    if (format === BATCH_FORMAT && this.handler.batch) return this.handler.batch(message);
    throw new HubError('IotHubFormatError', `Messages of format ${format} are not taken here.`);
  }

  private reject(delivery: RheaDelivery, cause: unknown): void {
    this.refused(cause);
    if (delivery.remote_settled) delivery.update(true);
    else delivery.reject(toAmqpError(cause));
    this.giveCredit();
  }

  /** Not for every single message: a flow frame each would double what is sent. */
  private giveCredit(): void {
    this.settled += 1;
    if (this.settled < this.credit / 4 || this.link.is_closed()) return;
    this.link.add_credit(this.settled);
    this.settled = 0;
  }
}

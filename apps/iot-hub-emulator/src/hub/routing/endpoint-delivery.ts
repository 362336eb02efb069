import type { Logger } from 'pino';
import type { Store } from '../../storage/store.js';
import type { Clock } from '../clock.js';
import type { MessageLog } from '../messages/message-log.js';
import { countLog, type LogStretch, readLog } from '../messages/read-log.js';
import type { HubMetrics } from '../metrics/hub-metrics.js';
import type { DeliveryTarget } from './delivery-target.js';

/** Most messages in one batch: what a bulk request of Cosmos DB takes. */
const BATCH_MESSAGES = 100;
const FIRST_RETRY_MS = 200;
const LONGEST_RETRY_MS = 10_000;

/** An endpoint's health, in the words of IoT Hub. */
export interface EndpointHealth {
  readonly name: string;
  /** `unknown` before the first attempt. */
  readonly health: 'unknown' | 'healthy' | 'unhealthy';
  /** Messages that it has not taken yet. */
  readonly pending: number;
}

export interface EndpointDeliveryParts {
  readonly name: string;
  /** The endpoint's bit in the log, as a number. */
  readonly bit: number;
  /** The place in the log up to which it has taken its messages. */
  readonly deliveredThrough: number;
  readonly target: DeliveryTarget;
  readonly store: Store;
  readonly log: Pick<MessageLog, 'durableThrough'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where it counts what it has brought. */
  readonly metrics?: Pick<HubMetrics, 'deliveries'> | undefined;
}

/**
 * Brings one endpoint its messages out of the log: at least once, in order, one batch at a time. How far it is stands in
 * the database. While the target is down it tries again and again, ever more seldom, and everything waits in the log.
 */
export class EndpointDelivery {
  readonly bit: number;
  private deliveredThrough: number;
  private pending: number;
  private health: EndpointHealth['health'] = 'unknown';
  private failures = 0;
  private isTruncated = false;
  private running: Promise<void> | undefined;
  private cancelRetry: (() => void) | undefined;
  private readonly closing = new AbortController();

  constructor(private readonly parts: EndpointDeliveryParts) {
    this.bit = parts.bit;
    this.deliveredThrough = parts.deliveredThrough;
    this.pending = this.count();
  }

  /** Delivers what is there. */
  start(): void {
    if (this.pending > 0) this.run();
  }

  /** Tells how many messages have come. */
  appended(count: number): void {
    if (count === 0) return;
    this.pending += count;
    if (this.cancelRetry === undefined) this.run();
  }

  /** The place in the log after which messages wait for this endpoint; undefined when none does. */
  get waitingAfter(): number | undefined {
    return this.pending > 0 ? this.deliveredThrough : undefined;
  }

  /** Moves past messages that are not this endpoint's, so that the next start need not look at them. */
  settle(): void {
    const { durableThrough } = this.parts.log;
    if (this.pending === 0 && this.deliveredThrough < durableThrough) this.moveTo(durableThrough);
  }

  /** Takes note that the log has lost its oldest messages, or has them again because that was not committed. */
  truncated(): void {
    this.isTruncated = true;
    // What is under way may be among them, and would be counted twice.
    if (this.running === undefined) this.recount();
  }

  private recount(): void {
    if (!this.isTruncated) return;
    this.isTruncated = false;
    const before = this.pending;
    this.pending = this.count();
    if (this.pending < before) {
      const { name, logger } = this.parts;
      logger.error(
        { endpoint: name, lost: before - this.pending, pending: this.pending },
        'Expired messages deleted before the endpoint took them: too many wait for it',
      );
    }
    if (this.cancelRetry === undefined) this.start();
  }

  describe(): EndpointHealth {
    return { name: this.parts.name, health: this.health, pending: this.pending };
  }

  /** Ends what is under way; what is not confirmed then is delivered again after the next start. */
  async close(): Promise<void> {
    this.closing.abort();
    this.cancelRetry?.();
    await this.running;
    this.parts.target.close();
  }

  private count(): number {
    return countLog(this.parts.store, this.waitingStretch());
  }

  private waitingStretch(): LogStretch {
    return { bit: this.bit, after: this.deliveredThrough, through: this.parts.log.durableThrough };
  }

  private run(): void {
    this.running ??= this.deliverAll();
  }

  private async deliverAll(): Promise<void> {
    try {
      while (!this.closing.signal.aborted && (await this.deliverNext()));
    } catch (cause) {
      if (!this.closing.signal.aborted) this.failed(cause instanceof Error ? cause.message : 'unknown');
    } finally {
      this.running = undefined;
      if (!this.closing.signal.aborted) this.recount();
    }
  }

  /** @returns whether to go on. */
  private async deliverNext(): Promise<boolean> {
    const { store, target } = this.parts;
    const { signal } = this.closing;
    await target.ready?.(signal);
    signal.throwIfAborted();
    const messages = readLog(store, { ...this.waitingStretch(), limit: BATCH_MESSAGES });
    if (messages.length === 0) {
      this.pending = 0;
      return false;
    }
    const { taken, failure } = await target.deliver(messages, signal);
    signal.throwIfAborted();
    const passed = failure?.refused === true ? taken + 1 : taken;
    this.parts.metrics?.deliveries.addMany(taken, this.parts.name, 'delivered');
    const last = messages[passed - 1];
    if (last !== undefined) this.advance(last.sequenceNumber, passed);
    this.recount();
    if (failure?.refused === true) this.dropped(messages[taken]?.sequenceNumber, failure.reason);
    else if (failure !== undefined) {
      this.failed(failure.reason);
      return false;
    }
    this.succeeded();
    return true;
  }

  private advance(sequenceNumber: number, count: number): void {
    this.pending = Math.max(0, this.pending - count);
    this.moveTo(sequenceNumber);
  }

  private moveTo(sequenceNumber: number): void {
    this.deliveredThrough = sequenceNumber;
    const { store, name } = this.parts;
    // Lost at a crash is at most the last step, and its messages may come again.
    store.writeLater(() => {
      store.sql('UPDATE routing_endpoints SET delivered_through = ? WHERE name = ?').run(sequenceNumber, name);
    });
  }

  private dropped(sequenceNumber: number | undefined, reason: string): void {
    const { name, logger, metrics } = this.parts;
    metrics?.deliveries.add(name, 'dropped');
    logger.error({ endpoint: name, sequenceNumber, reason }, 'Message dropped: the endpoint will not take it');
  }

  private succeeded(): void {
    this.failures = 0;
    if (this.health === 'healthy') return;
    this.health = 'healthy';
    this.parts.logger.info({ endpoint: this.parts.name, pending: this.pending }, 'Endpoint takes messages');
  }

  private failed(reason: string): void {
    const { name, clock, logger } = this.parts;
    if (this.health !== 'unhealthy') {
      this.health = 'unhealthy';
      logger.warn({ endpoint: name, reason, pending: this.pending }, 'Endpoint takes no messages: they wait');
    }
    // Full jitter, but never at once.
    const longestMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.failures);
    this.failures += 1;
    const delayMs = Math.ceil(longestMs * (0.1 + 0.9 * Math.random()));
    this.cancelRetry = clock.after(delayMs, () => {
      this.cancelRetry = undefined;
      this.run();
    });
  }
}

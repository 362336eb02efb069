import type { Logger } from 'pino';
import type { Store } from '../../storage/store.js';
import type { Clock } from '../clock.js';
import type { StampedProperty } from '../messages/enriched-properties.js';
import type { HubMessage } from '../messages/hub-message.js';
import type { MessageLog } from '../messages/message-log.js';
import { BUILT_IN, type RoutedMessage } from '../messages/message-run.js';
import { MAX_MESSAGE_BYTES, messageSizeBytes } from '../messages/message-size.js';
import type { MessageSource } from '../messages/message-source.js';
import type { HubMetrics } from '../metrics/hub-metrics.js';
import type { DeliveryTarget } from './delivery-target.js';
import { EndpointDelivery, type EndpointHealth } from './endpoint-delivery.js';
import { Enrichments } from './enrichments.js';
import { MessageFacts } from './message-facts.js';
import { registerEndpoints } from './registered-endpoints.js';
import { Router } from './router.js';
import { BUILT_IN_ENDPOINT, DEFAULT_ROUTING, type CheckedRouting } from './routing-config.js';

export interface MessageRoutingParts {
  readonly store: Store;
  readonly log: MessageLog;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Default: telemetry goes to the built-in endpoint. */
  readonly routing?: CheckedRouting;
  /** Custom endpoints by name. */
  readonly targets?: ReadonlyMap<string, DeliveryTarget>;
  /** What `$iothubname` stands for. */
  readonly hubName?: string;
  readonly metrics?: Pick<HubMetrics, 'deliveries'>;
}

/** Decides which endpoints a message goes to, and brings it to the custom ones. */
export class MessageRouting {
  private readonly store: Store;
  private readonly logger: Logger;
  private readonly router: Router;
  private readonly enrichments: Enrichments;
  private readonly deliveries: readonly EndpointDelivery[];
  private closed = false;

  /** Registers the endpoints in the store, within its open transaction; {@link start} begins to deliver. */
  constructor(parts: MessageRoutingParts) {
    const {
      store,
      log,
      clock,
      logger,
      routing = DEFAULT_ROUTING,
      targets = new Map<string, DeliveryTarget>(),
      hubName = '',
      metrics,
    } = parts;
    this.store = store;
    this.logger = logger;
    const registered = registerEndpoints({ store, log, logger }, [...targets.keys()]);
    this.deliveries = registered.map(({ name, bit, deliveredThrough }) => {
      const target = targets.get(name);
      if (target === undefined) throw new Error(`There is no target for endpoint ${name}.`);
      return new EndpointDelivery({
        name,
        bit: 1 << bit,
        deliveredThrough,
        target,
        store,
        log,
        clock,
        logger,
        metrics,
      });
    });
    const bits = new Map(registered.map(({ name, bit }) => [name, 1 << bit]));
    const bitOf = (name: string) => (name === BUILT_IN_ENDPOINT ? BUILT_IN : (bits.get(name) ?? 0));
    this.router = new Router(routing, bitOf);
    this.enrichments = new Enrichments(routing.enrichments, hubName, bitOf);
    log.onDurable(({ counts }) => {
      for (const delivery of this.deliveries) delivery.appended(countOf(counts, delivery.bit));
    });
  }

  start(): void {
    for (const delivery of this.deliveries) delivery.start();
  }

  /** Whether a message of this source may go anywhere; one that does not need not be made. */
  takes(source: MessageSource): boolean {
    return this.router.takes(source);
  }

  /** Where a message goes to, and what it is stamped with on its way: for the log. */
  route(message: HubMessage): Omit<RoutedMessage, 'message'> {
    let facts: MessageFacts | undefined;
    const factsOf = () => (facts ??= new MessageFacts(message, this.store));
    const endpoints = this.router.endpointsOf(message.source, factsOf);
    if ((endpoints & this.enrichments.endpoints) === 0) return { endpoints, stamped: NOTHING };
    const stamped = this.enrichments.stamp(endpoints, factsOf());
    return { endpoints: this.fitting(message, endpoints, stamped), stamped };
  }

  /** Without the endpoints for which a message becomes too large: the hub drops it on its way to them. */
  private fitting(message: HubMessage, endpoints: number, stamped: readonly StampedProperty[]): number {
    const ownBytes = messageSizeBytes(message);
    let fitting = endpoints;
    for (let bit = 1; bit <= endpoints; bit <<= 1) {
      const added = stamped.reduce(
        (sum, [set, key, value]) => sum + ((set & bit) === 0 ? 0 : Buffer.byteLength(key) + Buffer.byteLength(value)),
        0,
      );
      if (added === 0 || ownBytes + added <= MAX_MESSAGE_BYTES) continue;
      fitting &= ~bit;
      this.logger.warn({ deviceId: message.deviceId }, 'Message dropped: with its enrichments it is too large');
    }
    return fitting;
  }

  /** The place in the log after which some endpoint still waits for messages; undefined when none does. */
  get waitingAfter(): number | undefined {
    const places = this.deliveries.flatMap(({ waitingAfter }) => waitingAfter ?? []);
    return places.length === 0 ? undefined : Math.min(...places);
  }

  /** Takes note that the log has lost messages that an endpoint waited for, or has them again after all. */
  truncated(): void {
    for (const delivery of this.deliveries) delivery.truncated();
  }

  /** Lets idle endpoints move past what is not theirs. */
  settle(): void {
    if (this.closed) return;
    for (const delivery of this.deliveries) delivery.settle();
  }

  /** Health of the custom endpoints, in no particular order. */
  health(): EndpointHealth[] {
    return this.deliveries.map((delivery) => delivery.describe());
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all(this.deliveries.map((delivery) => delivery.close()));
  }
}

const NOTHING: readonly StampedProperty[] = [];

/** How many of the messages, counted by their sets of endpoints, an endpoint gets. */
function countOf(counts: ReadonlyMap<number, number>, bit: number): number {
  let sum = 0;
  for (const [endpoints, count] of counts) if ((endpoints & bit) !== 0) sum += count;
  return sum;
}

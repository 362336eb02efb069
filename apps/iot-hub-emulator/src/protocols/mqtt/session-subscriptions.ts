import type { Listening } from '../../hub/connections/device-connection.js';
import { saveSubscriptions, type StoredSubscription } from '../../hub/connections/stored-subscriptions.js';
import type { Hub } from '../../hub/hub.js';
import type { Identity } from '../../hub/identity.js';
import { parseFilter, type Subscription } from './topics.js';

/** SUBACK return code of a refused filter. */
const SUBSCRIBE_FAILURE = 0x80;

/** What a device's session has subscribed to. */
export class SessionSubscriptions {
  private readonly granted = new Map<Subscription, StoredSubscription>();

  /** @param kept from the device's last session. */
  constructor(
    private readonly hub: Hub,
    private readonly identity: Identity,
    kept: readonly StoredSubscription[],
  ) {
    for (const subscription of kept) {
      const kind = parseFilter(subscription.filter, identity);
      if (kind) this.granted.set(kind, subscription);
    }
  }

  has(kind: Subscription | Listening): boolean {
    return this.granted.has(kind);
  }

  /** Of the subscription to this kind; undefined while there is none. */
  qosOf(kind: Subscription): 0 | 1 | undefined {
    return this.granted.get(kind)?.qos;
  }

  /**
   * Subscribes to a filter.
   *
   * @returns the return code for the SUBACK: the QoS granted, or 0x80 for a filter that is not a documented one
   */
  add(filter: string, qos: number): number {
    const kind = parseFilter(filter, this.identity);
    if (kind === undefined) return SUBSCRIBE_FAILURE;
    // QoS 2 is not supported: the highest that is gets granted [MQTT-3.8.4-6].
    const grantedQos = qos === 0 ? 0 : 1;
    this.granted.set(kind, { filter, qos: grantedQos });
    return grantedQos;
  }

  remove(filter: string): void {
    const kind = parseFilter(filter, this.identity);
    if (kind) this.granted.delete(kind);
  }

  /** Keeps them for the device's next session. @returns once they are on disk. */
  save(): Promise<void> {
    return saveSubscriptions(this.hub, this.identity, [...this.granted.values()]);
  }
}

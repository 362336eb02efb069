import type { RheaDelivery, RheaSession } from './rhea-types.js';

/** Messages that may be under way in each direction of a session: the window that we open for the client. */
const MAX_UNDER_WAY = 2048;

/**
 * Has rhea forget each message of a session once it is settled. Its own ring of messages gives up places in their order
 * alone, so that one that stays unsettled (a device may take its time for it) would in time stop all links of the session.
 */
export function forgetSettled({ incoming, outgoing }: RheaSession): void {
  incoming.deliveries = new Deliveries(MAX_UNDER_WAY);
  outgoing.deliveries = new Deliveries(MAX_UNDER_WAY);
}

/**
 * How many more frames the client takes on all links of a session together; what waits to be sent already has its place.
 * Not a number before the client's first flow.
 *
 * @see http://docs.oasis-open.org/amqp/core/v1.0/os/amqp-core-transport-v1.0-os.html#doc-session-flow-control
 */
export function windowLeft({ outgoing }: RheaSession): number {
  const untold = outgoing.next_transfer_id - (outgoing.remote_next_transfer_id ?? Number.NaN);
  const waiting = outgoing.next_delivery_id - outgoing.next_pending_delivery;
  return (outgoing.remote_window ?? 0) - untold - waiting;
}

/** Gives up the messages that were sent on a link that is gone: nobody will settle them any more. */
export function giveUp({ outgoing }: RheaSession, deliveries: Iterable<RheaDelivery>): void {
  for (const delivery of deliveries) {
    delivery.settled = true;
    // rhea does the same for one that is still to go out, once that has happened.
    if (delivery.id < outgoing.next_pending_delivery) delivery.remote_settled = true;
  }
}

/** What rhea asks of its ring, by the names that it uses. */
class Deliveries {
  private readonly byId = new Map<number, RheaDelivery>();

  constructor(private readonly capacity: number) {}

  get size(): number {
    return this.byId.size;
  }

  available(): number {
    return this.capacity - this.byId.size;
  }

  push(delivery: RheaDelivery): void {
    if (this.available() <= 0) throw new Error('more messages under way than the window has room for');
    this.byId.set(delivery.id, delivery);
  }

  pop_if(isDone: (delivery: RheaDelivery) => boolean): void {
    for (const delivery of this.byId.values()) if (isDone(delivery)) this.byId.delete(delivery.id);
  }

  by_id(id: number): RheaDelivery | undefined {
    return this.byId.get(id);
  }
}

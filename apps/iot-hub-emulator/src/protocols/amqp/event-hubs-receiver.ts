import type { Hub } from '../../hub/hub.js';
import { openEventReader, type EventReader } from '../../hub/events/open-event-reader.js';
import type { PartitionEvent } from '../../hub/events/partition-event.js';
import { toAmqpError } from './amqp-errors.js';
import { encodeEvent, type RuntimeMetric } from './event-hubs-message.js';
import { readPositionFilter } from './event-hubs-position.js';
import type { LinkRequest } from './link-routes.js';
import type { OutgoingHandler, OutgoingLink } from './outgoing-link.js';

/** What one turn of the event loop sends at most, so that a reader that is far behind holds nobody up. */
const PAGE = { events: 100, sizeBytes: 256 * 1024 };

const EPOCH = 'com.microsoft:epoch';
const RECEIVER_NAME = 'com.microsoft:receiver-name';
const RUNTIME_METRIC = 'com.microsoft:enable-receiver-runtime-metric';

/** What Event Hubs calls a receiver without a name. */
const NAMELESS = 'nil';
const MAX_NAME_LENGTH = 64;

/** Opens a link that brings a client the events of one partition. @throws {@link HubError} */
export function openEventReceiver(request: LinkRequest, link: OutgoingLink): OutgoingHandler {
  return new EventReceiver(request, link);
}

/** Brings a link the events of a partition: as many as it has credit for, a page a turn. */
class EventReceiver implements OutgoingHandler {
  private readonly hub: Hub;
  private readonly reader: EventReader;
  private readonly wantsMetric: boolean;
  /** Read, but not sent for want of room. */
  private page: PartitionEvent[] = [];
  private scheduled: NodeJS.Immediate | undefined;

  constructor(
    { hub, params, filter, properties, desiredCapabilities }: LinkRequest,
    private readonly link: OutgoingLink,
  ) {
    this.hub = hub;
    this.wantsMetric = desiredCapabilities.includes(RUNTIME_METRIC);
    this.reader = openEventReader(hub, {
      consumerGroup: params.consumerGroup ?? '',
      partitionId: params.partition ?? '',
      position: readPositionFilter(filter),
      epoch: epochOf(properties[EPOCH]),
      name: nameOf(properties[RECEIVER_NAME]),
      onEvents: () => {
        this.schedule();
      },
      evict: (reason) => {
        link.close(toAmqpError(reason));
      },
    });
  }

  sendable(): void {
    this.schedule();
  }

  closed(): void {
    clearImmediate(this.scheduled);
    this.reader.close();
  }

  /** Not within a commit: those who wait for it go first. */
  private schedule(): void {
    this.scheduled ??= setImmediate(() => {
      this.scheduled = undefined;
      this.link.attempt(() => {
        if (this.sendPage()) this.schedule();
      });
    });
  }

  private hasRoom(): boolean {
    return this.link.canSend;
  }

  /** @returns whether there may be more to send at once. */
  private sendPage(): boolean {
    const { link, hub } = this;
    if (!this.hasRoom()) return false;
    if (this.page.length === 0) {
      this.page = this.reader.read({ ...PAGE, events: Math.min(PAGE.events, link.credit) });
    }
    const metric: RuntimeMetric | undefined = this.wantsMetric
      ? { ...this.reader.lastEnqueued(), retrievedMs: hub.clock.nowMs() }
      : undefined;
    let sent = 0;
    for (const event of this.page) {
      if (!this.hasRoom()) break;
      link.send(encodeEvent(event, metric), { settled: true });
      sent += 1;
    }
    this.page.splice(0, sent);
    return sent > 0;
  }
}

/** A long, which rhea gives as a number where that holds it. */
function epochOf(value: unknown): bigint | undefined {
  if (Buffer.isBuffer(value) && value.length === 8) return value.readBigInt64BE();
  return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : undefined;
}

const nameOf = (value: unknown): string =>
  typeof value === 'string' && value !== '' ? value.slice(0, MAX_NAME_LENGTH) : NAMELESS;

import { types } from 'rhea';
import type { Hub } from '../../hub/hub.js';
import type { ServiceQueue } from '../../hub/queues/message-queues.js';
import {
  abandonServiceMessage,
  completeServiceMessage,
  receiveServiceMessage,
  releaseServiceMessages,
  type ServiceMessage,
  watchServiceQueue,
} from '../../hub/service-bound/service-messages.js';
import { dataBody } from './amqp-message.js';
import { tagOf } from './delivery-tag.js';
import type { OutgoingLinkRoute } from './link-routes.js';
import type { OutgoingHandler, OutgoingLink, Outcome } from './outgoing-link.js';

/**
 * Where services hear what became of messages to devices, and of files that devices have uploaded. A link holds what it
 * has sent until the client settles it, and gives it back when the link ends.
 *
 * @see https://learn.microsoft.com/azure/iot-hub/iot-hub-amqp-support#receive-feedback-messages
 */
export const serviceBoundRoutes: readonly OutgoingLinkRoute[] = [
  serviceBoundRoute('/messages/serviceBound/feedback', 'feedback'),
  serviceBoundRoute('/messages/serviceBound/filenotifications', 'fileNotifications'),
];

function serviceBoundRoute(address: string, queue: ServiceQueue): OutgoingLinkRoute {
  return {
    direction: 'to-client',
    address,
    open({ hub, authority }, link) {
      authority.requireService('ServiceConnect');
      return new ServiceBoundReceiver(hub, queue, link);
    },
  };
}

class ServiceBoundReceiver implements OutgoingHandler {
  private readonly held = new Set<string>();
  private readonly unwatch: () => void;

  constructor(
    private readonly hub: Hub,
    private readonly queue: ServiceQueue,
    private readonly link: OutgoingLink,
  ) {
    this.unwatch = watchServiceQueue(hub, queue, () => {
      link.wake();
    });
  }

  sendable(): void {
    while (this.link.canSend) {
      const message = receiveServiceMessage(this.hub, this.queue, { held: true });
      if (message === undefined) return;
      const { lockToken } = message;
      this.held.add(lockToken);
      this.link.send(toAmqp(message), { tag: tagOf(lockToken), outcome: (outcome) => this.settle(lockToken, outcome) });
    }
  }

  closed(): void {
    this.unwatch();
    if (this.held.size > 0) releaseServiceMessages(this.hub, this.queue, [...this.held]);
    this.held.clear();
  }

  private settle(lockToken: string, outcome: Outcome): Promise<void> {
    this.held.delete(lockToken);
    const settle = outcome === 'accepted' || outcome === 'rejected' ? completeServiceMessage : abandonServiceMessage;
    return settle(this.hub, this.queue, lockToken);
  }
}

const toAmqp = ({ body, contentType, userId, enqueuedMs, sequenceNumber }: ServiceMessage): object => ({
  content_type: contentType,
  content_encoding: 'utf-8',
  user_id: Buffer.from(userId),
  message_annotations: {
    'iothub-enqueuedtime': types.wrap_timestamp(enqueuedMs),
    'x-opt-sequence-number': types.wrap_long(sequenceNumber),
  },
  body: dataBody(Buffer.from(JSON.stringify(body))),
});

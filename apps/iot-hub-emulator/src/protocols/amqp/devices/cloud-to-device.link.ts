import { types } from 'rhea';
import type { ReceivedMessage } from '../../../hub/cloud-to-device/device-bound-message.js';
import { receiveMessage } from '../../../hub/cloud-to-device/receive-message.js';
import {
  abandonMessage,
  completeMessage,
  rejectMessage,
  releaseMessages,
} from '../../../hub/cloud-to-device/settle-message.js';
import type { Hub } from '../../../hub/hub.js';
import { dataBody } from '../amqp-message.js';
import { tagOf } from '../delivery-tag.js';
import type { OutgoingLinkRoute } from '../link-routes.js';
import type { OutgoingHandler, OutgoingLink, Outcome } from '../outgoing-link.js';
import { DeviceSession } from './device-session.js';

const SETTLE = {
  accepted: completeMessage,
  rejected: rejectMessage,
  released: abandonMessage,
  modified: abandonMessage,
} as const satisfies Record<Outcome, unknown>;

/**
 * Where a device receives messages: it completes, rejects or abandons each by its outcome. What it has not settled when
 * the link ends goes back to the queue.
 *
 * @see https://learn.microsoft.com/azure/iot-hub/iot-hub-amqp-support#device-client
 */
export const cloudToDeviceRoute: OutgoingLinkRoute = {
  direction: 'to-client',
  address: '/devices/:deviceId/messages/devicebound',
  open(request, link) {
    const { hub, authority, params } = request;
    const { deviceId } = authority.requireDevice({ deviceId: params.deviceId ?? '' });
    const session = DeviceSession.join(request, { deviceId });
    const receiver = new DeviceReceiver(hub, deviceId, link);
    const unlisten = session.listen('cloud-to-device', () => {
      link.wake();
    });
    return {
      sendable() {
        receiver.sendable();
      },
      closed() {
        unlisten();
        receiver.closed();
        session.leave(request);
      },
    };
  },
};

class DeviceReceiver implements OutgoingHandler {
  private readonly held = new Set<string>();
  private sending = false;

  constructor(
    private readonly hub: Hub,
    private readonly deviceId: string,
    private readonly link: OutgoingLink,
  ) {}

  sendable(): void {
    // Settling wakes the device, which comes back here.
    if (this.sending) return;
    this.sending = true;
    try {
      while (this.link.canSend && this.sendNext());
    } finally {
      this.sending = false;
    }
  }

  /** @returns whether there was a message. */
  private sendNext(): boolean {
    const message = receiveMessage(this.hub, this.deviceId, { held: true });
    if (message === undefined) return false;
    const { lockToken } = message;
    this.held.add(lockToken);
    this.link.send(toAmqp(message), { tag: tagOf(lockToken), outcome: (outcome) => this.settle(lockToken, outcome) });
    return true;
  }

  closed(): void {
    if (this.held.size > 0) releaseMessages(this.hub, this.deviceId, [...this.held]);
    this.held.clear();
  }

  private settle(lockToken: string, outcome: Outcome): Promise<void> {
    this.held.delete(lockToken);
    return SETTLE[outcome](this.hub, this.deviceId, lockToken);
  }
}

function toAmqp({ body, systemProperties, properties, ...message }: ReceivedMessage): object {
  const { messageId, correlationId, userId, to, contentType, contentEncoding, ack } = systemProperties;
  const { expiryTimeUtc, creationTimeUtc } = systemProperties;
  return {
    delivery_count: message.deliveryCount,
    message_id: messageId,
    correlation_id: correlationId,
    user_id: userId === undefined ? undefined : Buffer.from(userId),
    to,
    content_type: contentType,
    content_encoding: contentEncoding,
    absolute_expiry_time: expiryTimeUtc === undefined ? undefined : new Date(expiryTimeUtc),
    creation_time: creationTimeUtc === undefined ? undefined : new Date(creationTimeUtc),
    message_annotations: {
      'x-opt-sequence-number': types.wrap_long(message.sequenceNumber),
      'iothub-enqueuedtime': types.wrap_timestamp(message.enqueuedMs),
      'iothub-deliverycount': types.wrap_uint(message.deliveryCount),
    },
    application_properties: { ...properties, ...(ack && { 'iothub-ack': ack }) },
    body: dataBody(body),
  };
}

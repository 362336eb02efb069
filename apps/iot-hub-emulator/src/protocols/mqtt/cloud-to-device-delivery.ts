import type { IPublishPacket } from 'mqtt-packet';
import type { DeviceBoundProperties, ReceivedMessage } from '../../hub/cloud-to-device/device-bound-message.js';
import { receiveMessage } from '../../hub/cloud-to-device/receive-message.js';
import { completeMessage, rejectMessage, releaseMessages } from '../../hub/cloud-to-device/settle-message.js';
import { HubError } from '../../hub/errors/hub-errors.js';
import type { Hub } from '../../hub/hub.js';
import type { PacketStream } from './packet-stream.js';
import { type BagProperty, encodePropertyBag } from './property-bag.js';
import { deviceBoundTopic } from './topics.js';

/** Messages sent and not yet acknowledged. Ten of the largest are less than may wait unsent for a client. */
const MAX_IN_FLIGHT = 10;
/** Packet identifiers are 1 to 65535. */
const PACKET_IDS = 0xffff;
/** A topic's length has 16 bits. */
const MAX_TOPIC_BYTES = 0xffff;

const BAG_KEYS: readonly (readonly [keyof DeviceBoundProperties, string])[] = [
  ['messageId', '$.mid'],
  ['correlationId', '$.cid'],
  ['userId', '$.uid'],
  ['to', '$.to'],
  ['expiryTimeUtc', '$.exp'],
  ['contentType', '$.ct'],
  ['contentEncoding', '$.ce'],
  ['creationTimeUtc', 'iothub-creation-time-utc'],
  ['ack', 'iothub-ack'],
];

export interface DeliveryOptions {
  readonly deviceId: string;
  readonly packets: PacketStream;
  /** Of the subscription to cloud-to-device messages; undefined while there is none. */
  readonly grantedQos: () => 0 | 1 | undefined;
  /** A message could not be settled. */
  readonly failed: (cause: unknown) => void;
}

/**
 * Brings a device's queue to its MQTT connection: in order, a window of them at a time. At QoS 1 the PUBACK completes a
 * message, at QoS 0 its sending does. What is not acknowledged when the connection ends goes back to the queue.
 */
export class CloudToDeviceDelivery {
  private readonly inFlight = new Map<number, ReceivedMessage>();
  private delivering = false;
  private over = false;

  constructor(
    private readonly hub: Hub,
    private readonly options: DeliveryOptions,
  ) {}

  /** Sends what the queue has to give and the window has room for. */
  deliver(): void {
    // Settling wakes the device, which comes back here.
    if (this.delivering) return;
    this.delivering = true;
    try {
      while (!this.over && this.next());
    } catch (cause) {
      this.options.failed(cause);
    } finally {
      this.delivering = false;
    }
  }

  /** The device has a message that was sent with this identifier. One that is not in flight is ignored. */
  acknowledged(packetId: number): void {
    const message = this.inFlight.get(packetId);
    if (message !== undefined) this.complete(packetId, message);
  }

  /** Gives back all that is in flight: nothing is sent any more. */
  end(): void {
    this.over = true;
    const lockTokens = Array.from(this.inFlight.values(), ({ lockToken }) => lockToken);
    this.inFlight.clear();
    if (lockTokens.length > 0) releaseMessages(this.hub, this.options.deviceId, lockTokens);
  }

  /** Sends one message. @returns whether to go on. */
  private next(): boolean {
    const qos = this.options.grantedQos();
    if (qos === undefined || this.inFlight.size >= MAX_IN_FLIGHT) return false;
    const { hub } = this;
    const { deviceId, packets } = this.options;
    const message = receiveMessage(hub, deviceId, { held: true });
    if (message === undefined) return false;
    // The same at every delivery of the message [MQTT-4.4.0-1], also after a restart of the hub.
    const packetId = ((message.sequenceNumber - 1) % PACKET_IDS) + 1;
    if (this.inFlight.has(packetId)) {
      releaseMessages(hub, deviceId, [message.lockToken]);
      return false;
    }
    const topic = deviceBoundTopic(deviceId, encodePropertyBag(bagOf(message)));
    if (Buffer.byteLength(topic) > MAX_TOPIC_BYTES) {
      const facts = { deviceId, messageId: message.systemProperties.messageId };
      hub.logger.warn(facts, 'Cloud-to-device message rejected: its properties do not fit an MQTT topic');
      this.settled(rejectMessage(hub, deviceId, message.lockToken));
      return true;
    }
    this.inFlight.set(packetId, message);
    const publish: IPublishPacket = {
      cmd: 'publish',
      qos,
      dup: qos === 1 && message.redelivered,
      retain: false,
      topic,
      payload: Buffer.from(message.body),
      ...(qos === 1 && { messageId: packetId }),
    };
    if (qos === 1) packets.send(publish);
    else {
      packets.send(publish, () => {
        if (!this.over) this.complete(packetId, message);
      });
    }
    return true;
  }

  private complete(packetId: number, { lockToken }: ReceivedMessage): void {
    this.inFlight.delete(packetId);
    this.settled(completeMessage(this.hub, this.options.deviceId, lockToken));
    this.deliver();
  }

  private settled(settling: Promise<void>): void {
    settling.catch((cause: unknown) => {
      // It has expired or was purged meanwhile: there is nothing left to settle.
      if (cause instanceof HubError && cause.errorName === 'DeviceMessageLockLost') return;
      if (!this.over) this.options.failed(cause);
    });
  }
}

function bagOf({ systemProperties, properties }: ReceivedMessage): BagProperty[] {
  const system = BAG_KEYS.flatMap(([name, key]): BagProperty[] => {
    const value = systemProperties[name];
    return value === undefined ? [] : [[key, value]];
  });
  return [...system, ...Object.entries(properties)];
}

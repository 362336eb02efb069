import type { IConnectPacket, IPublishPacket, ISubscribePacket, IUnsubscribePacket, Packet } from 'mqtt-packet';
import { callAt } from '../../hub/call-at.js';
import type { DeviceIdentity } from '../../hub/access/device-identity.js';
import type { CloseReason, DeviceConnection, Listening, MethodCall } from '../../hub/connections/device-connection.js';
import { HubError } from '../../hub/errors/hub-errors.js';
import type { StoredSubscription } from '../../hub/connections/stored-subscriptions.js';
import type { Hub } from '../../hub/hub.js';
import { identityOf, type Identity } from '../../hub/identity.js';
import type { JsonObject } from '../../hub/json.js';
import { answerMethod } from '../../hub/methods/answer-method.js';
import { CloudToDeviceDelivery } from './cloud-to-device-delivery.js';
import { allowedSilenceMs, KeepAlive } from './keep-alive.js';
import { OrderedAcknowledgements } from './ordered-acknowledgements.js';
import type { PacketHandlers, PacketStream } from './packet-stream.js';
import { SessionSubscriptions } from './session-subscriptions.js';
import { TelemetryInput } from './telemetry-input.js';
import { desiredTopic, methodTopic, parsePublishTopic, twinReplyTopic } from './topics.js';
import { answerTwinGet, answerTwinReport, type TwinAnswer } from '../twin-requests.js';

/** "Five topics per device." @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-quotas-throttling */
const MAX_SUBSCRIPTIONS = 5;
/** Packets and bytes whose work may be under way before the session stops reading from its client. */
const MAX_OUTSTANDING_PACKETS = 1_000;
const MAX_OUTSTANDING_BYTES = 4 * 1024 * 1024;
const LOGGED_TOPIC_LENGTH = 128;

export interface SessionOptions {
  readonly connect: IConnectPacket;
  readonly device: DeviceIdentity;
  readonly packets: PacketStream;
  /** The client's address, for the log. */
  readonly peer: string;
  /** Kept from the device's last session. */
  readonly subscriptions: readonly StoredSubscription[];
}

/** Why a session is over: the hub's reason, or the client's. */
type End = CloseReason | 'client-disconnected' | 'connection-lost' | 'keep-alive-timeout' | 'protocol-violation';

/** What is sent in place of a PUBACK. */
type Answer = () => void;

/** The device said goodbye, the hub goes, or the device may not send anything any more. */
const ENDS_WITHOUT_WILL: ReadonlySet<End> = new Set(['client-disconnected', 'shutdown', 'disabled', 'deleted']);

/** A device's accepted MQTT connection: translates its packets to hub operations, and the hub's calls to packets. */
export class MqttSession implements DeviceConnection, PacketHandlers {
  readonly identity: Identity;
  readonly description: string;
  private readonly connect: IConnectPacket;
  private readonly expiresAtMs: number;
  private readonly packets: PacketStream;
  private readonly subscriptions: SessionSubscriptions;
  private readonly telemetry: TelemetryInput;
  private readonly acknowledgements = new OrderedAcknowledgements<IPublishPacket | Answer>(
    (packets) => {
      this.acknowledge(packets);
    },
    (cause) => {
      this.failed(cause);
    },
  );
  private outstandingBytes = 0;
  private readonly keepAlive: KeepAlive;
  private readonly delivery: CloudToDeviceDelivery;
  private cancelExpiry: () => void = () => undefined;
  private over = false;

  constructor(
    private readonly hub: Hub,
    options: SessionOptions,
  ) {
    this.connect = options.connect;
    this.expiresAtMs = options.device.expiresAtMs;
    this.packets = options.packets;
    this.identity = identityOf(options.device);
    this.description = `mqtt ${options.peer}`;
    this.subscriptions = new SessionSubscriptions(hub, this.identity, options.subscriptions);
    this.telemetry = new TelemetryInput(hub, options.device);
    this.delivery = new CloudToDeviceDelivery(hub, {
      deviceId: this.identity.deviceId,
      packets: this.packets,
      grantedQos: () => this.subscriptions.qosOf('cloud-to-device'),
      failed: this.failed,
    });
    this.keepAlive = new KeepAlive(hub.clock, allowedSilenceMs(this.connect.keepalive ?? 0), () => {
      this.refuse('keep-alive-timeout', 'nothing was heard for one and a half times the keep-alive');
    });
  }

  /** Makes this the device's connection, in place of any older one. The CONNACK has to be sent before. */
  start(): void {
    this.cancelExpiry = callAt(this.hub.clock, this.expiresAtMs, () => {
      this.refuse('token-expired', 'the token of the connection has expired', {
        errorName: 'IotHubUnauthorized',
        code: 401003,
      });
    });
    this.hub.connections.attach(this);
    this.delivery.deliver();
  }

  // What the hub calls

  listensTo(kind: Listening): boolean {
    return this.subscriptions.has(kind);
  }

  close(reason: CloseReason): void {
    this.finish(reason);
  }

  invokeMethod({ methodName, requestId, payload }: MethodCall): void {
    this.publish(methodTopic(methodName, requestId), payload);
  }

  desiredChanged(patch: JsonObject, version: number): void {
    this.publish(desiredTopic(version), JSON.stringify({ ...patch, $version: version }));
  }

  messagesWaiting(): void {
    this.delivery.deliver();
  }

  // What the packet stream calls

  activity(): void {
    this.keepAlive.heard();
  }

  violation(reason: string): void {
    this.refuse('protocol-violation', reason);
  }

  closed(): void {
    this.finish('connection-lost');
  }

  packet(packet: Packet): void {
    switch (packet.cmd) {
      case 'publish':
        this.onPublish(packet);
        return;
      case 'subscribe':
        this.onSubscribe(packet);
        return;
      case 'unsubscribe':
        this.onUnsubscribe(packet);
        return;
      case 'pingreq':
        this.packets.send({ cmd: 'pingresp' });
        return;
      case 'disconnect':
        this.finish('client-disconnected');
        return;
      case 'puback':
        // Only cloud-to-device messages are sent with QoS 1.
        this.delivery.acknowledged(packet.messageId ?? 0);
        return;
      default:
        // A second CONNECT [MQTT-3.1.0-2], QoS 2's packets, or what only servers send.
        this.violation(`${packet.cmd} is not expected from a client here`);
    }
  }

  // What the device wants

  private onPublish(packet: IPublishPacket): void {
    if (packet.qos === 2) {
      this.violation('QoS 2 is not supported');
      return;
    }
    if (packet.qos === 1 && packet.messageId === 0) {
      // [MQTT-2.3.1-1]
      this.violation('the packet identifier is 0');
      return;
    }
    const body = Buffer.isBuffer(packet.payload) ? packet.payload : Buffer.from(packet.payload);
    try {
      const work = this.telemetry.repeat(packet, body) ?? this.take(packet, body);
      if (work) this.awaitWork(packet, work);
    } catch (cause) {
      this.failed(cause);
    }
  }

  /** Does what a PUBLISH asks for. @returns what its acknowledgement has to wait for. */
  private take(packet: IPublishPacket, body: Buffer): Promise<void> | undefined {
    const { hub, identity } = this;
    const request = parsePublishTopic(packet.topic, identity);
    switch (request.kind) {
      case 'telemetry':
        return this.telemetry.take(packet, request.bag, body);
      case 'twin-get':
        return this.answerTwin(request.requestId, answerTwinGet(hub, identity, 'mqtt'));
      case 'twin-report':
        return this.answerTwin(request.requestId, answerTwinReport(hub, identity, 'mqtt', body));
      case 'method-answer':
        answerMethod(hub, identity, request.requestId, { status: request.status, body });
        return Promise.resolve();
      case 'refused':
        this.violation(`${request.reason}: ${forLog(packet.topic)}`);
        return undefined;
    }
  }

  private async answerTwin(requestId: string, answering: Promise<TwinAnswer>): Promise<void> {
    const { status, version, body } = await answering;
    if (this.subscriptions.has('twin-replies')) this.publish(twinReplyTopic(status, requestId, version), body);
    else
      this.hub.logger.warn(
        this.about({ status }),
        'Twin reply dropped: the device has not subscribed to $iothub/twin/res/#',
      );
  }

  private onSubscribe({ subscriptions, messageId }: ISubscribePacket): void {
    // None at all: [MQTT-3.8.3-3]
    if (subscriptions.length === 0 || subscriptions.length > MAX_SUBSCRIPTIONS) {
      this.violation(`a SUBSCRIBE has to carry 1 to ${MAX_SUBSCRIPTIONS} topic filters`);
      return;
    }
    const granted = subscriptions.map(({ topic, qos }) => {
      const code = this.subscriptions.add(topic, qos);
      if (code > 1) {
        const reason = `not a documented topic filter of this device: ${forLog(topic)}`;
        this.hub.metrics.refusals.add('mqtt', 'subscription');
        this.hub.logger.warn(this.about({ reason }), 'Subscription refused');
      } else {
        this.hub.logger.debug(this.about({ filter: forLog(topic) }), 'Device subscribed');
      }
      return code;
    });
    this.subscriptionsChanged(() => {
      this.packets.send({ cmd: 'suback', messageId: messageId ?? 0, granted });
    });
  }

  private onUnsubscribe({ unsubscriptions, messageId }: IUnsubscribePacket): void {
    for (const filter of unsubscriptions) this.subscriptions.remove(filter);
    this.subscriptionsChanged(() => {
      this.packets.send({ cmd: 'unsuback', messageId: messageId ?? 0, granted: [] });
    });
  }

  /** Subscriptions of a session to be kept are on disk before they are acknowledged. */
  private subscriptionsChanged(acknowledge: () => void): void {
    const saved = this.connect.clean === false ? this.subscriptions.save() : Promise.resolve();
    this.acknowledgements.add(() => {
      acknowledge();
      this.hub.connections.listeningChanged(this.identity);
      this.delivery.deliver();
    }, saved);
  }

  // Replies

  private awaitWork(packet: IPublishPacket, work: Promise<void>): void {
    this.outstandingBytes += packet.length ?? 0;
    this.acknowledgements.add(packet, work);
    this.regulate();
  }

  private acknowledge(packets: readonly (IPublishPacket | Answer)[]): void {
    const acknowledged: number[] = [];
    for (const packet of packets) {
      if (typeof packet === 'function') {
        packet();
        continue;
      }
      this.outstandingBytes -= packet.length ?? 0;
      if (packet.qos === 1) acknowledged.push(packet.messageId ?? 0);
    }
    if (acknowledged.length > 0) this.packets.sendBytes(pubacks(acknowledged));
    this.regulate();
  }

  /** Stops reading while too much work is under way, and goes on at half of it. */
  private regulate(): void {
    const { outstanding } = this.acknowledgements;
    if (outstanding >= MAX_OUTSTANDING_PACKETS || this.outstandingBytes >= MAX_OUTSTANDING_BYTES) {
      this.packets.setPaused(true);
    } else if (outstanding <= MAX_OUTSTANDING_PACKETS / 2 && this.outstandingBytes <= MAX_OUTSTANDING_BYTES / 2) {
      this.packets.setPaused(false);
    }
  }

  private publish(topic: string, payload: string | Buffer): void {
    this.packets.send({ cmd: 'publish', qos: 0, dup: false, retain: false, topic, payload });
  }

  // The end

  /** MQTT 3.1.1 has no way to say no to a PUBLISH but to close. */
  private readonly failed = (cause: unknown): void => {
    const reason = cause instanceof Error ? cause.message : 'an operation failed';
    this.refuse('protocol-violation', reason, cause instanceof HubError ? cause : undefined);
  };

  private refuse(end: End, reason: string, cause?: Pick<HubError, 'errorName' | 'code'>): void {
    if (this.over) return;
    const error = cause?.errorName ?? end;
    this.hub.metrics.refusals.add('mqtt', error);
    this.hub.logger.warn(this.about({ error, reason, code: cause?.code }), 'Connection closed by the hub');
    this.finish(end);
  }

  private finish(end: End): void {
    if (this.over) return;
    this.over = true;
    this.keepAlive.stop();
    this.cancelExpiry();
    this.packets.end();
    this.hub.connections.detach(this, end);
    this.delivery.end();
    if (ENDS_WITHOUT_WILL.has(end)) return;
    this.telemetry.takeWill(this.connect).catch((cause: unknown) => {
      this.hub.logger.error(this.about({ err: cause }), 'The Will could not be stored');
    });
  }

  private about(details: object): object {
    return { ...this.identity, connection: this.description, ...details };
  }
}

/** The hot path: four bytes each, not worth a generator. */
function pubacks(messageIds: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(4 * messageIds.length);
  let at = 0;
  for (const messageId of messageIds) at = bytes.writeUInt32BE(0x40020000 | messageId, at);
  return bytes;
}

/** The beginning of a topic: enough to find the mistake, without the properties, whose values are nobody's business. */
const forLog = (topic: string): string => (topic.split(/[?&=]/, 1)[0] ?? '').slice(0, LOGGED_TOPIC_LENGTH);

import type { IConnectPacket, ISubscribePacket, IUnsubscribePacket, Packet } from 'mqtt-packet';
import { callAt } from '../../hub/call-at.js';
import type { DeviceIdentity } from '../../hub/access/device-identity.js';
import type { CloseReason, DeviceConnection, Listening, MethodCall } from '../../hub/connections/device-connection.js';
import { HubError } from '../../hub/errors/hub-errors.js';
import type { StoredSubscription } from '../../hub/connections/stored-subscriptions.js';
import type { Hub } from '../../hub/hub.js';
import { identityOf, type Identity } from '../../hub/identity.js';
import type { JsonObject } from '../../hub/json.js';
import { CloudToDeviceDelivery } from './cloud-to-device-delivery.js';
import { allowedSilenceMs, KeepAlive } from './keep-alive.js';
import type { PacketHandlers, PacketStream } from './packet-stream.js';
import { forLog, PublishInput } from './publish-input.js';
import { SessionSubscriptions } from './session-subscriptions.js';
import { TelemetryInput } from './telemetry-input.js';
import { desiredTopic, methodTopic, twinReplyTopic } from './topics.js';
import type { TwinAnswer } from '../twin-requests.js';

/** "Five topics per device." @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-quotas-throttling */
const MAX_SUBSCRIPTIONS = 5;

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
  private readonly publishes: PublishInput;
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
    this.publishes = new PublishInput(hub, {
      identity: this.identity,
      packets: this.packets,
      telemetry: this.telemetry,
      answerTwin: (requestId, answer) => {
        this.answerTwin(requestId, answer);
      },
      violation: (reason) => {
        this.violation(reason);
      },
      failed: this.failed,
    });
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
        this.publishes.take(packet);
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

  private answerTwin(requestId: string, { status, version, body }: TwinAnswer): void {
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
    saved.then(() => {
      acknowledge();
      this.hub.connections.listeningChanged(this.identity);
      this.delivery.deliver();
    }, this.failed);
  }

  // Replies

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

import type { IPublishPacket } from 'mqtt-packet';
import type { Hub } from '../../hub/hub.js';
import type { Identity } from '../../hub/identity.js';
import { answerMethod } from '../../hub/methods/answer-method.js';
import { answerTwinGet, answerTwinReport, type TwinAnswer } from '../twin-requests.js';
import { OrderedAcknowledgements } from './ordered-acknowledgements.js';
import type { PacketStream } from './packet-stream.js';
import type { TelemetryInput } from './telemetry-input.js';
import { parsePublishTopic } from './topics.js';

/** Packets and bytes whose work may be under way before no more is read from the client. */
const MAX_OUTSTANDING_PACKETS = 1_000;
const MAX_OUTSTANDING_BYTES = 4 * 1024 * 1024;
const LOGGED_TOPIC_LENGTH = 128;

/** What it has of its session. */
export interface PublishInputParts {
  readonly identity: Identity;
  readonly packets: PacketStream;
  readonly telemetry: TelemetryInput;
  readonly answerTwin: (requestId: string, answer: TwinAnswer) => void;
  /** The client has broken the rules. */
  readonly violation: (reason: string) => void;
  /** What a packet asked for could not be done. MQTT 3.1.1 has no way to say so but to close. */
  readonly failed: (cause: unknown) => void;
}

/** Does what a device's PUBLISH packets ask for, acknowledges them, and keeps it from sending faster than that. */
export class PublishInput {
  private readonly acknowledgements: OrderedAcknowledgements<IPublishPacket>;
  private outstandingBytes = 0;

  constructor(
    private readonly hub: Hub,
    private readonly parts: PublishInputParts,
  ) {
    this.acknowledgements = new OrderedAcknowledgements((packets) => {
      this.acknowledge(packets);
    }, parts.failed);
  }

  take(packet: IPublishPacket): void {
    const { telemetry, violation, failed } = this.parts;
    if (packet.qos === 2) {
      violation('QoS 2 is not supported');
      return;
    }
    if (packet.qos === 1 && packet.messageId === 0) {
      // [MQTT-2.3.1-1]
      violation('the packet identifier is 0');
      return;
    }
    const body = Buffer.isBuffer(packet.payload) ? packet.payload : Buffer.from(packet.payload);
    try {
      const work = telemetry.repeat(packet, body) ?? this.work(packet, body);
      if (work === undefined) return;
      this.outstandingBytes += packet.length ?? 0;
      this.acknowledgements.add(packet, work);
      this.regulate();
    } catch (cause) {
      failed(cause);
    }
  }

  /** Begins what a PUBLISH asks for. @returns what its acknowledgement has to wait for; undefined when it is refused. */
  private work(packet: IPublishPacket, body: Buffer): Promise<void> | undefined {
    const { hub } = this;
    const { identity, telemetry, violation } = this.parts;
    const request = parsePublishTopic(packet.topic, identity);
    switch (request.kind) {
      case 'telemetry':
        return telemetry.take(packet, request.bag, body);
      case 'twin-get':
        return this.answerTwin(request.requestId, answerTwinGet(hub, identity, 'mqtt'));
      case 'twin-report':
        return this.answerTwin(request.requestId, answerTwinReport(hub, identity, 'mqtt', body));
      case 'method-answer':
        answerMethod(hub, identity, request.requestId, { status: request.status, body });
        return Promise.resolve();
      case 'refused':
        violation(`${request.reason}: ${forLog(packet.topic)}`);
        return undefined;
    }
  }

  private async answerTwin(requestId: string, answering: Promise<TwinAnswer>): Promise<void> {
    this.parts.answerTwin(requestId, await answering);
  }

  private acknowledge(packets: readonly IPublishPacket[]): void {
    const acknowledged: number[] = [];
    for (const { qos, messageId = 0, length = 0 } of packets) {
      this.outstandingBytes -= length;
      if (qos === 1) acknowledged.push(messageId);
    }
    if (acknowledged.length > 0) this.parts.packets.sendBytes(pubacks(acknowledged));
    this.regulate();
  }

  /** Stops reading while too much work is under way, and goes on at half of it. */
  private regulate(): void {
    const { outstanding } = this.acknowledgements;
    if (outstanding >= MAX_OUTSTANDING_PACKETS || this.outstandingBytes >= MAX_OUTSTANDING_BYTES) {
      this.parts.packets.setPaused(true);
    } else if (outstanding <= MAX_OUTSTANDING_PACKETS / 2 && this.outstandingBytes <= MAX_OUTSTANDING_BYTES / 2) {
      this.parts.packets.setPaused(false);
    }
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
export const forLog = (topic: string): string => (topic.split(/[?&=]/, 1)[0] ?? '').slice(0, LOGGED_TOPIC_LENGTH);

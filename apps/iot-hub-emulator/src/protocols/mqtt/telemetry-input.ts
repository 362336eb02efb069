import type { IConnectPacket, IPublishPacket } from 'mqtt-packet';
import type { DeviceIdentity } from '../../hub/access/device-identity.js';
import type { Hub } from '../../hub/hub.js';
import { appendMessages } from '../../hub/messages/append-messages.js';
import type { DeviceMessage } from '../../hub/messages/device-message.js';
import type { BagProperty } from './property-bag.js';
import { RETAIN_MARK, toDeviceMessage, WILL_MARK } from './telemetry.js';
import { parsePublishTopic } from './topics.js';

/** Longer topics are not worth the memory of every device that sends one. */
const REMEMBERED_TOPIC_LENGTH = 512;

/** Takes the messages that a device sends: of its connection, and its Will. */
export class TelemetryInput {
  /** What the topic of the last message said: most devices send the same properties again and again. */
  private last: { readonly topic: string; readonly message: Omit<DeviceMessage, 'body'> } | undefined;

  private readonly taken: { count: number };

  constructor(
    private readonly hub: Hub,
    private readonly device: DeviceIdentity,
  ) {
    this.taken = hub.metrics.messages.row('Telemetry', 'mqtt');
  }

  /** Appends a message whose topic is that of the last one. @returns undefined when it is another; nothing was done then. @throws as {@link appendMessages}. */
  repeat({ topic, retain }: IPublishPacket, body: Buffer): Promise<void> | undefined {
    if (topic !== this.last?.topic || retain) return undefined;
    const { systemProperties, properties } = this.last.message;
    return this.append({ body, systemProperties, properties });
  }

  /** Appends a message. @param bag what its topic says @returns once it is on disk. @throws as {@link appendMessages}. */
  take({ topic, retain }: IPublishPacket, bag: readonly BagProperty[], body: Buffer): Promise<void> {
    const message = this.toMessage(bag, body, retain ? [RETAIN_MARK] : []);
    if (!retain && topic.length <= REMEMBERED_TOPIC_LENGTH) {
      const { systemProperties, properties } = message;
      this.last = { topic, message: { systemProperties, properties } };
    }
    return this.append(message);
  }

  /** Appends the Will of a device that did not say goodbye [MQTT-3.1.2-8], if it has one. @returns once it is on disk. */
  async takeWill({ will }: IConnectPacket): Promise<void> {
    const request = will && parsePublishTopic(will.topic, this.device);
    if (request?.kind !== 'telemetry') return;
    const marks = will?.retain === true ? [RETAIN_MARK, WILL_MARK] : [WILL_MARK];
    await this.append(this.toMessage(request.bag, Buffer.from(will?.payload ?? ''), marks));
  }

  private toMessage(bag: readonly BagProperty[], body: Buffer, marks: readonly BagProperty[]): DeviceMessage {
    const message = toDeviceMessage(bag, body, marks);
    const { modelId } = this.device;
    if (modelId !== undefined) message.systemProperties.dataSchema = modelId;
    return message;
  }

  private append(message: DeviceMessage): Promise<void> {
    const appended = appendMessages(this.hub, this.device, [message]);
    this.taken.count += 1;
    return appended;
  }
}

import { message } from 'rhea';
import { storedMessages } from '../../support/stored-messages.js';
import type { RawMqtt } from '../../support/raw-mqtt.js';
import { AmqpSending, authorizedAmqp, unlessLost } from '../support/amqp-client.js';
import type { TortureHub } from '../support/torture-hub.js';
import { repeat, Violation, type Work } from './work.js';

/** Messages that an MQTT device has on the way at once. */
const WINDOW = 32;

/** Sends one message; resolves when it is acknowledged. */
type Send = (body: string) => Promise<void>;

/** A device that sends 1, 2, 3, …, after each loss again from the first one that was not acknowledged. */
export class TelemetryWork implements Work {
  private acknowledged = 0;

  constructor(
    readonly name: string,
    private readonly deviceId: string,
    /** How to send, and how many may be on the way at once in that way. */
    private readonly open: (hub: TortureHub, deviceId: string) => Promise<{ send: Send; window: number }>,
    private readonly bodyBytes: number,
  ) {}

  async run(hub: TortureHub, onAcknowledged: () => void): Promise<never> {
    const { send, window } = await this.open(hub, this.deviceId);
    let sent = this.acknowledged;
    return repeat(async () => {
      sent += 1;
      const number = sent;
      await send(String(number).padEnd(this.bodyBytes));
      if (number !== this.acknowledged + 1) {
        throw new Violation(`${this.name}: ${number} was acknowledged right after ${this.acknowledged}.`);
      }
      this.acknowledged = number;
      onAcknowledged();
    }, window);
  }

  /**
   * Delivery is at least once: what was sent again may be there twice. But of each number the first copy comes after the
   * first copy of the number before, and no acknowledged number is missing.
   */
  async check({ dataDirectory }: TortureHub): Promise<void> {
    let highest = 0;
    for (const { body } of storedMessages(dataDirectory, this.deviceId)) {
      const number = Number(body);
      if (number > highest + 1) throw new Violation(`${this.name}: ${number} is stored right after ${highest}.`);
      highest = Math.max(highest, number);
    }
    if (highest < this.acknowledged) {
      throw new Violation(`${this.name}: ${this.acknowledged} was acknowledged, but storage ends at ${highest}.`);
    }
    return Promise.resolve();
  }
}

const publishing = (mqtt: RawMqtt, deviceId: string): { send: Send; window: number } => ({
  send: (body) => mqtt.publish(`devices/${deviceId}/messages/events/`, body),
  window: WINDOW,
});

export const overMqtt = async (hub: TortureHub, deviceId: string) =>
  publishing(await hub.connectMqtt(deviceId), deviceId);

export const overWebSocket = async (hub: TortureHub, deviceId: string) =>
  publishing(await hub.connectMqtt(deviceId, { webSocket: true }), deviceId);

/** One at a time: requests that are on the way together have no order. */
export const overHttps = (hub: TortureHub, deviceId: string) => {
  const send: Send = async (body) => {
    const path = `/devices/${deviceId}/messages/events`;
    const { status } = await hub.callAsDevice(deviceId, { method: 'POST', path, body });
    if (status !== 204) throw new Violation(`HTTPS: a message was answered with ${status}.`);
  };
  return Promise.resolve({ send, window: 1 });
};

export const overAmqp = async (hub: TortureHub, deviceId: string) => {
  const client = await authorizedAmqp(hub, hub.deviceToken(deviceId));
  const sending = new AmqpSending(await unlessLost(client, client.sender(`/devices/${deviceId}/messages/events`)));
  const send: Send = (body) => sending.send({ body: message.data_section(Buffer.from(body)) });
  return { send, window: WINDOW };
};

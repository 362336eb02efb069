import { message } from 'rhea';
import { until } from '../../support/until.js';
import { AmqpSending, authorizedAmqp, unlessLost } from '../support/amqp-client.js';
import type { TortureHub } from '../support/torture-hub.js';
import { repeat, Violation, type Work } from './work.js';

/** Messages that wait for the device at once: less than a queue holds, and than may come again after a kill. */
const WAITING = 20;
const DRAIN_LIMIT_MS = 20_000;

/**
 * A service that sends a device 1, 2, 3, …, and the device that takes them: none is lost that the service was told is
 * accepted, they come in order, and one that the device had in hand when the hub died comes once again, not more.
 */
abstract class DeviceBoundWork implements Work {
  abstract readonly name: string;
  private sent = 0;
  private readonly accepted = new Set<number>();
  /** Since the hub was started. */
  private readonly received = new Set<number>();
  private highest = 0;
  protected readonly receivedEver = new Set<number>();

  constructor(protected readonly deviceId: string) {}

  async run(hub: TortureHub, onAcknowledged: () => void): Promise<never> {
    this.received.clear();
    const receiving = this.receive(hub);
    // Looked at below, unless the hub is gone before.
    receiving.catch(() => undefined);
    const client = await authorizedAmqp(hub, hub.ownerToken());
    const sending = new AmqpSending(await unlessLost(client, client.sender('/messages/devicebound')));
    const sendingOn = repeat(async () => {
      this.sent += 1;
      const number = this.sent;
      await sending.send({
        to: `/devices/${this.deviceId}/messages/devicebound`,
        body: message.data_section(Buffer.from(String(number))),
      });
      this.accepted.add(number);
      onAcknowledged();
      await until(() => this.waiting < WAITING || !hub.isRunning, 'the device to take its messages', DRAIN_LIMIT_MS);
    });
    // A violation on either side is to be seen, whichever ends first.
    const ends = await Promise.allSettled([receiving, sendingOn]);
    const causes = ends.map((end) => (end.status === 'rejected' ? (end.reason as unknown) : undefined));
    throw causes.find((cause) => cause instanceof Violation) ?? causes[0];
  }

  /** Takes messages and tells of them by {@link took} until the hub is gone. */
  protected abstract receive(hub: TortureHub): Promise<never>;

  protected took(number: number): void {
    if (this.received.has(number)) throw new Violation(`${this.name}: ${number} came twice from one start of the hub.`);
    this.received.add(number);
    if (!this.receivedEver.has(number) && number < this.highest) {
      throw new Violation(`${this.name}: ${number} came for the first time after ${this.highest}.`);
    }
    if (number <= this.highest - WAITING) throw new Violation(`${this.name}: ${number} came again, long after.`);
    this.receivedEver.add(number);
    this.highest = Math.max(this.highest, number);
  }

  private get waiting(): number {
    let count = 0;
    for (const number of this.accepted) if (!this.receivedEver.has(number)) count += 1;
    return count;
  }

  async check(): Promise<void> {
    // What is there shows in what comes.
    return Promise.resolve();
  }

  async finish(hub: TortureHub): Promise<void> {
    this.received.clear();
    const receiving = this.receive(hub);
    let violation: unknown;
    receiving.catch((cause: unknown) => {
      if (cause instanceof Violation) violation = cause;
    });
    await until(() => this.waiting === 0 || violation, `${this.name}: all that was accepted`, DRAIN_LIMIT_MS);
    if (violation instanceof Error) throw violation;
  }
}

/** The device completes a message with its PUBACK. */
export class DeviceBoundOverMqtt extends DeviceBoundWork {
  readonly name = 'messages to a device over MQTT';

  protected async receive(hub: TortureHub): Promise<never> {
    let violation: Error | undefined;
    const mqtt = await hub.connectMqtt(this.deviceId, {
      clean: false,
      onPublish: (packet, connection) => {
        try {
          this.took(Number(packet.payload.toString()));
          connection.acknowledge(packet);
        } catch (cause) {
          violation = cause as Error;
          connection.destroy();
        }
      },
    });
    await mqtt.subscribe(`devices/${this.deviceId}/messages/devicebound/#`);
    await mqtt.closed;
    throw violation ?? new Error('The hub is gone.');
  }
}

/** The device is told when a message is completed: it must not come again then. */
export class DeviceBoundOverHttps extends DeviceBoundWork {
  readonly name = 'messages to a device over HTTPS';
  private readonly completed = new Set<number>();

  protected receive(hub: TortureHub): Promise<never> {
    const path = `/devices/${this.deviceId}/messages/devicebound`;
    return repeat(async () => {
      const { status, headers, body } = await hub.callAsDevice(this.deviceId, { method: 'GET', path });
      if (status === 204) return;
      if (status !== 200) throw new Violation(`${this.name}: a GET was answered with ${status}.`);
      const number = Number(body);
      if (this.completed.has(number)) throw new Violation(`${this.name}: ${number} came after it was completed.`);
      this.took(number);
      const lockToken = (headers.etag ?? '').replaceAll('"', '');
      const completed = await hub.callAsDevice(this.deviceId, { method: 'DELETE', path: `${path}/${lockToken}` });
      if (completed.status !== 204)
        throw new Violation(`${this.name}: a DELETE was answered with ${completed.status}.`);
      this.completed.add(number);
    });
  }
}

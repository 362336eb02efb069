import { EventEmitter, once } from 'node:events';
import { message } from 'rhea';
import { storedMessages } from '../../support/stored-messages.js';
import type { RawMqtt } from '../../support/raw-mqtt.js';
import { until } from '../../support/until.js';
import { AmqpSending, authorizedAmqp, Refused } from '../support/amqp-client.js';
import type { SeededRandom } from '../support/seeded-random.js';
import type { TortureHub } from '../support/torture-hub.js';
import type { FilterName, Json, JsonMap } from './model-device.js';
import { FILTERS, ModelDevice } from './model-device.js';

const TOLD_LIMIT_MS = 10_000;
const NAMES = ['a', 'b', 'c', 'd', 'e', 'f'].map((letter) => `model-${letter}`);

/** A device's connection, and what it has been told on it and not yet looked at. */
export interface Connection {
  readonly mqtt: RawMqtt;
  readonly desired: JsonMap[];
  readonly deviceBound: number[];
  readonly twinReplies: Map<string, { status: number; body: string }>;
}

/** A hub, and the model that it must not differ from. */
export class World {
  readonly devices = new Map<string, ModelDevice>();
  readonly connections = new Map<string, Connection>();
  /** What each device has sent, also those that are gone. */
  readonly sent = new Map<string, number[]>(NAMES.map((name) => [name, []]));
  private readonly told = new EventEmitter();
  private lastNumber = 0;
  private deviceBoundSending: AmqpSending | undefined;

  constructor(
    readonly hub: TortureHub,
    readonly random: SeededRandom,
  ) {}

  anyName(): string {
    return this.random.pick(NAMES);
  }

  nextNumber(): number {
    this.lastNumber += 1;
    return this.lastNumber;
  }

  /** Properties, some of them deletions, some within others. */
  anyProperties(depth = 2): JsonMap {
    const entries = Array.from({ length: this.random.int(0, 3) }, (): [string, Json] => {
      const name = this.random.pick(['p', 'q', 'r', '__proto__x', 'ünï']);
      if (depth > 0 && this.random.chance(0.3)) return [name, this.anyProperties(depth - 1)];
      return [name, this.random.pick<Json>([null, true, 0, -1.5, 'text', 'ä€😀', [1, 'two', { three: 3 }], ''])];
    });
    return Object.fromEntries(entries);
  }

  async owner(method: string, path: string, body?: Json, headers: Record<string, string> = {}) {
    const reply = await this.hub.callAsOwner({
      ...{ method, path, headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { ...reply, json: reply.body === '' ? undefined : (JSON.parse(reply.body) as unknown) };
  }

  async connect(name: string, clean: boolean): Promise<{ code: number; connection: Connection }> {
    const mqtt = await this.hub.openMqtt();
    const connection: Connection = { mqtt, desired: [], deviceBound: [], twinReplies: new Map() };
    mqtt.onPublish = (packet) => {
      const { topic, payload } = packet;
      const requestId = /\$rid=([^&]+)/.exec(topic)?.[1] ?? '';
      const text = payload.toString();
      if (topic.startsWith('$iothub/methods/POST/')) {
        mqtt.send({
          ...{ cmd: 'publish', qos: 0, dup: false, retain: false, payload: text },
          topic: `$iothub/methods/res/222/?$rid=${requestId}`,
        });
      } else if (topic.startsWith('$iothub/twin/PATCH/')) {
        connection.desired.push(JSON.parse(text) as JsonMap);
      } else if (topic.startsWith('$iothub/twin/res/')) {
        connection.twinReplies.set(requestId, { status: Number(topic.split('/')[3]), body: text });
      } else {
        connection.deviceBound.push(Number(text));
        mqtt.acknowledge(packet);
      }
      this.told.emit('told');
    };
    const code = await mqtt.connect({ ...this.hub.connectPacket(name), clean });
    return { code, connection };
  }

  filter(name: string, what: FilterName): string {
    return what === 'deviceBound' ? `devices/${name}/messages/devicebound/#` : FILTERS[what];
  }

  /** @returns whether the hub has accepted it. */
  async sendToDevice(name: string, number: number): Promise<boolean> {
    this.deviceBoundSending ??= await this.openDeviceBound();
    try {
      const to = `/devices/${name}/messages/devicebound`;
      await this.deviceBoundSending.send({ to, body: message.data_section(Buffer.from(String(number))) });
      return true;
    } catch (cause) {
      if (cause instanceof Refused) return false;
      throw cause;
    }
  }

  private async openDeviceBound(): Promise<AmqpSending> {
    const client = await authorizedAmqp(this.hub, this.hub.ownerToken());
    return new AmqpSending(await client.sender('/messages/devicebound'));
  }

  /** Waits until a device has been told something. @throws Error when that does not come */
  async whenTold(condition: () => boolean): Promise<void> {
    if (condition()) return;
    const signal = AbortSignal.timeout(TOLD_LIMIT_MS);
    do await once(this.told, 'told', { signal });
    while (!condition());
  }

  /** Waits for what a connected device is to be told, and looks at it. */
  async expectTold<T>(told: T[], expected: readonly T[]): Promise<void> {
    await this.whenTold(() => told.length >= expected.length).catch(() => undefined);
    expect(told.splice(0)).toEqual(expected);
  }

  /** What waits for a device that takes its messages now comes at once. */
  async expectQueueDelivered(name: string): Promise<void> {
    const device = this.devices.get(name);
    const connection = this.connections.get(name);
    if (!device?.subscriptions.has('deviceBound') || !connection) return;
    const waiting = device.queue.splice(0);
    await this.expectTold(
      connection.deviceBound,
      waiting.map(({ number }) => number),
    );
    // The PUBACKs are on their way: what follows must find them done.
    await until(async () => (await this.waitingMessages(name)) === 0, `${name}'s messages to be completed`);
  }

  async waitingMessages(name: string): Promise<number> {
    const { json } = await this.owner('GET', `/devices/${name}`);
    return (json as { cloudToDeviceMessageCount: number }).cloudToDeviceMessageCount;
  }

  /** The model forgets a connection that is gone. */
  disconnected(name: string): void {
    const device = this.devices.get(name);
    this.connections.delete(name);
    if (device?.connected !== true) return;
    device.connected = false;
    device.keptSubscriptions = device.keepsSession ? new Set(device.subscriptions) : device.keptSubscriptions;
    device.subscriptions = new Set();
  }

  async restart(kill: boolean): Promise<void> {
    for (const { mqtt } of this.connections.values()) mqtt.destroy();
    for (const name of [...this.connections.keys()]) this.disconnected(name);
    this.deviceBoundSending = undefined;
    for (const device of this.devices.values()) device.locked = undefined;
    if (kill) {
      // Nobody is told when a PUBACK is on disk; what was written before something that is acknowledged, is.
      await this.owner('PUT', '/devices/barrier', { deviceId: 'barrier' });
      await this.owner('DELETE', '/devices/barrier', undefined, { 'if-match': '*' });
      await this.hub.kill();
    } else {
      await this.hub.stop();
    }
    this.expectMessagesStored();
    await this.hub.start();
  }

  /** What devices sent is there, in order and once. */
  expectMessagesStored(): void {
    for (const [name, numbers] of this.sent) {
      const stored = storedMessages(this.hub.dataDirectory, name);
      expect({ name, messages: stored.map(({ body }) => Number(body)) }).toEqual({ name, messages: numbers });
    }
  }
}

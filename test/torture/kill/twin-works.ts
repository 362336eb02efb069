import type { RawMqtt } from '../../support/raw-mqtt.js';
import type { TortureHub } from '../support/torture-hub.js';
import { repeat, Violation, type Work } from './work.js';

interface TwinView {
  readonly tags?: { readonly n?: number };
  readonly properties: Record<'desired' | 'reported', { readonly n?: number; readonly $version: number }>;
}

async function readTwin(hub: TortureHub, deviceId: string): Promise<TwinView> {
  const { status, body } = await hub.callAsOwner({ method: 'GET', path: `/twins/${deviceId}` });
  if (status !== 200) throw new Violation(`Reading a twin was answered with ${status}: ${body}`);
  return JSON.parse(body) as TwinView;
}

/** A counter kept in a twin, raised by one a change, so that the version tells how many changes there were. */
abstract class TwinCounter {
  protected acknowledged = 0;

  abstract readonly name: string;

  /** Both sides go on from what the hub has: a change that was not acknowledged may have been made all the same. */
  protected settle(n: number, version: number): void {
    if (n < this.acknowledged) {
      throw new Violation(`${this.name}: ${this.acknowledged} was acknowledged, but the twin has ${n}.`);
    }
    if (n > this.acknowledged + 1) throw new Violation(`${this.name}: the twin has ${n}, which was never sent.`);
    if (version !== n + 1) throw new Violation(`${this.name}: version ${version} after ${n} changes.`);
    this.acknowledged = n;
  }
}

/** A device that reports 1, 2, 3, … */
export class ReportedWork extends TwinCounter implements Work {
  readonly name = 'reported properties';

  constructor(private readonly deviceId: string) {
    super();
  }

  async run(hub: TortureHub, onAcknowledged: () => void): Promise<never> {
    const mqtt = await hub.connectMqtt(this.deviceId);
    const answers = new Map<string, () => void>();
    mqtt.onPublish = ({ topic }) => {
      const [, status, requestId = ''] = /^\$iothub\/twin\/res\/(\d+)\/\?\$rid=([^&]+)/.exec(topic) ?? [];
      if (status === '204') answers.get(requestId)?.();
      answers.delete(requestId);
    };
    await mqtt.subscribe('$iothub/twin/res/#');
    return repeat(async () => {
      const n = this.acknowledged + 1;
      await answered(mqtt, answers, n);
      this.acknowledged = n;
      onAcknowledged();
    });
  }

  async check(hub: TortureHub): Promise<void> {
    const { n = 0, $version } = (await readTwin(hub, this.deviceId)).properties.reported;
    this.settle(n, $version);
  }
}

async function answered(mqtt: RawMqtt, answers: Map<string, () => void>, n: number): Promise<void> {
  const answer = new Promise<void>((resolve) => answers.set(String(n), resolve));
  mqtt.send({
    cmd: 'publish',
    topic: `$iothub/twin/PATCH/properties/reported/?$rid=${n}`,
    payload: JSON.stringify({ n }),
    qos: 0,
    dup: false,
    retain: false,
  });
  await Promise.race([answer, mqtt.closed]);
  if (mqtt.isClosed) throw new Error('The hub is gone.');
}

/** A service that sets tags and desired properties together to 1, 2, 3, … */
export class DesiredWork extends TwinCounter implements Work {
  readonly name = 'desired properties';

  constructor(private readonly deviceId: string) {
    super();
  }

  async run(hub: TortureHub, onAcknowledged: () => void): Promise<never> {
    return repeat(async () => {
      const n = this.acknowledged + 1;
      const body = JSON.stringify({ tags: { n }, properties: { desired: { n } } });
      const { status } = await hub.callAsOwner({ method: 'PATCH', path: `/twins/${this.deviceId}`, body });
      if (status !== 200) throw new Violation(`${this.name}: a change was answered with ${status}.`);
      this.acknowledged = n;
      onAcknowledged();
    });
  }

  async check(hub: TortureHub): Promise<void> {
    const { tags, properties } = await readTwin(hub, this.deviceId);
    const { n = 0, $version } = properties.desired;
    if ((tags?.n ?? 0) !== n) throw new Violation(`${this.name}: tags have ${tags?.n}, desired properties ${n}.`);
    this.settle(n, $version);
  }
}

import type { TortureHub } from '../support/torture-hub.js';
import { repeat, Violation, type Work } from './work.js';

/** Calls that are on the way at once. */
const CALLERS = 4;

/** Direct methods: answered by the device's own answer or not at all, and carried out once at most. */
export class MethodWork implements Work {
  readonly name = 'direct methods';
  private called = 0;
  private readonly carriedOut = new Set<number>();
  private answered = 0;
  private carriedOutTwice: number | undefined;

  constructor(private readonly deviceId: string) {}

  async run(hub: TortureHub, onAcknowledged: () => void): Promise<never> {
    const mqtt = await hub.connectMqtt(this.deviceId);
    mqtt.onPublish = ({ topic, payload }) => {
      const requestId = /\$rid=([^&]+)/.exec(topic)?.[1] ?? '';
      const n = Number(payload.toString());
      if (this.carriedOut.has(n)) this.carriedOutTwice = n;
      this.carriedOut.add(n);
      mqtt.send({
        cmd: 'publish',
        topic: `$iothub/methods/res/${200 + (n % 7)}/?$rid=${requestId}`,
        payload: payload.toString(),
        qos: 0,
        dup: false,
        retain: false,
      });
    };
    await mqtt.subscribe('$iothub/methods/POST/#');
    return repeat(async () => {
      this.called += 1;
      const n = this.called;
      const path = `/twins/${this.deviceId}/methods`;
      const body = JSON.stringify({ methodName: 'echo', payload: n, responseTimeoutInSeconds: 30 });
      const reply = await hub.callAsOwner({ method: 'POST', path, body });
      const { status, payload } = JSON.parse(reply.body) as { status?: number; payload?: number };
      if (reply.status !== 200 || status !== 200 + (n % 7) || payload !== n) {
        throw new Violation(`${this.name}: call ${n} was answered with ${reply.status} ${reply.body}.`);
      }
      this.answered += 1;
      onAcknowledged();
    }, CALLERS);
  }

  check(): Promise<void> {
    if (this.carriedOutTwice !== undefined) {
      throw new Violation(`${this.name}: call ${this.carriedOutTwice} reached the device twice.`);
    }
    if (this.answered > this.carriedOut.size) throw new Violation(`${this.name}: more answers than calls.`);
    return Promise.resolve();
  }
}

import type { TortureHub } from './torture-hub.js';

/** An honest client that uses the hub while others do not: a message and a request, one after the other, all the time. */
export class Witness {
  /** How long each answer took. */
  readonly answeredAfterMs: number[] = [];
  private stopped = false;
  private readonly work: Promise<void>;

  private constructor(
    private readonly hub: TortureHub,
    private readonly deviceId: string,
  ) {
    this.work = this.run();
    // Reported by stop().
    this.work.catch(() => undefined);
  }

  static watch(hub: TortureHub, deviceId: string): Witness {
    return new Witness(hub, deviceId);
  }

  /** @throws Error when the hub has not served this client all the time. */
  async stop(): Promise<void> {
    this.stopped = true;
    await this.work;
  }

  private async run(): Promise<void> {
    const mqtt = await this.hub.connectMqtt(this.deviceId);
    while (!this.stopped) {
      const startMs = performance.now();
      await mqtt.publish(`devices/${this.deviceId}/messages/events/`, 'here');
      const sentMs = performance.now();
      const { status } = await this.hub.callAsOwner({ method: 'GET', path: `/twins/${this.deviceId}` });
      if (status !== 200) throw new Error(`The honest client was answered with ${status}.`);
      this.answeredAfterMs.push(sentMs - startMs, performance.now() - sentMs);
    }
    mqtt.disconnect();
  }
}

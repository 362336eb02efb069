import { storedBodies } from '../support/stored-messages.js';
import type { RawMqtt } from '../support/raw-mqtt.js';
import { TortureHub } from './support/torture-hub.js';
import { figure, FULL, percentile, sized } from './support/torture-run.js';

const DEVICES = sized(1_000, 100);
/** One a second in the full run, one after the other in the short one. */
const MESSAGES_EACH = sized(600, 10);
const INTERVAL_MS = 1_000;
/** In messages of a device. Not oftener: a collection takes a while. */
const MEMORY_READ_EVERY = 10;
/** Until then Node's heap takes the size that it needs. */
const SETTLING_SHARE = 0.3;
const LIMIT_MS = sized(20 * 60_000, 60_000);

describe('many devices that send', () => {
  let hub: TortureHub;
  afterEach(() => hub.remove());

  it(
    `lose none of ${MESSAGES_EACH} messages each, ${DEVICES} of them at a time`,
    async () => {
      const names = Array.from({ length: DEVICES }, (_, index) => `device-${index}`);
      hub = await TortureHub.make({ devices: names, collects: true });
      await hub.start();
      const connections: [string, RawMqtt][] = [];
      // A few at a time: what is shown is that they send, not that they come in all at once.
      for (let at = 0; at < names.length; at += 20) {
        const some = names
          .slice(at, at + 20)
          .map(async (name) => [name, await hub.connectMqtt(name)] as [string, RawMqtt]);
        connections.push(...(await Promise.all(some)));
      }
      const answeredAfterMs: number[] = [];
      const memory: { atMs: number; bytes: number }[] = [];
      const startMs = performance.now();
      await Promise.all([
        ...connections.map(async ([name, mqtt], index) => {
          const phaseMs = (INTERVAL_MS * index) / DEVICES;
          for (let number = 1; number <= MESSAGES_EACH; number += 1) {
            if (FULL) await untilMs(startMs + phaseMs + number * INTERVAL_MS);
            const sentMs = performance.now();
            await mqtt.publish(`devices/${name}/messages/events/`, String(number).padEnd(256));
            answeredAfterMs.push(performance.now() - sentMs);
          }
        }),
        ...(FULL ? [watchMemory()] : []),
      ]);
      for (const [, mqtt] of connections) mqtt.disconnect();
      await hub.stop();

      const all = Array.from({ length: MESSAGES_EACH }, (_, index) => index + 1);
      const stored = storedBodies(hub.dataDirectory);
      for (const name of names) expect(stored.get(name)?.map(Number)).toEqual(all);
      const of = { scenario: 'many-devices' };
      figure({ ...of, what: 'messages, none lost or twice', value: DEVICES * MESSAGES_EACH, unit: '' });
      figure({
        ...of,
        what: 'acknowledged after, p99',
        value: percentile(answeredAfterMs, 0.99),
        unit: 'ms',
        atMost: 250,
      });
      if (FULL)
        figure({
          ...of,
          what: 'memory grows, without garbage, by',
          value: growthMiBPerMinute(memory),
          unit: 'MiB/min',
          atMost: 1,
        });

      async function watchMemory(): Promise<void> {
        for (let number = MEMORY_READ_EVERY; number <= MESSAGES_EACH; number += MEMORY_READ_EVERY) {
          await untilMs(startMs + number * INTERVAL_MS);
          // How much of its garbage Node leaves for later depends on what else the machine does.
          await hub.collectGarbage();
          memory.push({ atMs: performance.now() - startMs, bytes: hub.memoryBytes() });
        }
      }
    },
    LIMIT_MS,
  );
});

/** It is a load of so many messages a second: the time of each is what the scenario is about. */
const untilMs = (timeMs: number) =>
  new Promise((resolve) => setTimeout(resolve, Math.max(0, timeMs - performance.now())));

/** The slope of the straight line through all values but the first ones. */
function growthMiBPerMinute(memory: readonly { atMs: number; bytes: number }[]): number {
  const settled = memory.slice(Math.floor(memory.length * SETTLING_SHARE));
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const meanMs = mean(settled.map(({ atMs }) => atMs));
  const meanBytes = mean(settled.map(({ bytes }) => bytes));
  const covariance = mean(settled.map(({ atMs, bytes }) => (atMs - meanMs) * (bytes - meanBytes)));
  const variance = mean(settled.map(({ atMs }) => (atMs - meanMs) ** 2));
  return ((covariance / variance) * 60_000) / 2 ** 20;
}

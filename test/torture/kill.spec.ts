import { DeviceBoundOverHttps, DeviceBoundOverMqtt } from './kill/device-bound-work.js';
import { EventHubsWork } from './kill/event-hubs-work.js';
import { MethodWork } from './kill/method-work.js';
import { RegistryWork } from './kill/registry-work.js';
import { overAmqp, overHttps, overMqtt, overWebSocket, TelemetryWork } from './kill/telemetry-work.js';
import { DesiredWork, ReportedWork } from './kill/twin-works.js';
import { Violation, type Work } from './kill/work.js';
import { until } from '../support/until.js';
import { SeededRandom } from './support/seeded-random.js';
import { TortureHub } from './support/torture-hub.js';
import { figure, percentile, SEED, sized } from './support/torture-run.js';

const ROUNDS = sized(50, 5);
const GIVE_UP_LIMIT_MS = 20_000;
const READY_LIMIT_MS = 2_000;
const LIMIT_MS = sized(20 * 60_000, 90_000);

describe('kill -9 of a busy hub', () => {
  let hub: TortureHub;
  afterEach(() => hub.remove());

  it(
    `loses nothing acknowledged in ${ROUNDS} rounds (seed ${SEED})`,
    async () => {
      const random = new SeededRandom('kill');
      hub = await TortureHub.make({
        devices: ['mqtt', 'large', 'ws', 'https', 'amqp', 'reporting', 'steered', 'called', 'told', 'asking'],
      });
      const works: Work[] = [
        new TelemetryWork('telemetry over MQTT', 'mqtt', overMqtt, 8),
        new TelemetryWork('large telemetry over MQTT', 'large', overMqtt, 4000),
        new TelemetryWork('telemetry over WebSocket', 'ws', overWebSocket, 200),
        new TelemetryWork('telemetry over HTTPS', 'https', overHttps, 100),
        new TelemetryWork('telemetry over AMQP', 'amqp', overAmqp, 100),
        new ReportedWork('reporting'),
        new DesiredWork('steered'),
        new MethodWork('called'),
        new RegistryWork(),
        new DeviceBoundOverMqtt('told'),
        new DeviceBoundOverHttps('asking'),
        new EventHubsWork(),
      ];
      const acknowledged = new Map<string, number>();

      await hub.start();
      for (let round = 1; round <= ROUNDS; round += 1) {
        let untilKill = 1 + Math.floor(random.next() ** 2 * 3000);
        const busy = new Set(works.map(({ name }) => name));
        const workUntilKilled = async (work: Work) => {
          const onAcknowledged = () => {
            acknowledged.set(work.name, (acknowledged.get(work.name) ?? 0) + 1);
            untilKill -= 1;
            if (untilKill === 0) hub.process.kill('SIGKILL');
          };
          try {
            await work.run(hub, onAcknowledged);
          } catch (cause) {
            if (cause instanceof Violation || untilKill > 0) throw cause;
          } finally {
            busy.delete(work.name);
          }
        };
        const allEnded = Promise.all(works.map(workUntilKilled));
        await Promise.race([allEnded, hub.process.exited]);
        const stuck = until(() => busy.size === 0, 'clients of a hub that is gone to give up', GIVE_UP_LIMIT_MS);
        await Promise.all([allEnded, stuck]).catch((cause: unknown) => {
          throw new Error(`Round ${round}, seed ${SEED}, still busy: ${[...busy].join(', ') || 'none'}`, { cause });
        });
        await hub.kill();
        await hub.start();
        for (const work of works) await work.check(hub);
      }

      for (const work of works) await work.finish?.(hub);

      // Whoever never got anything acknowledged has shown nothing.
      expect(works.filter(({ name }) => !acknowledged.has(name)).map(({ name }) => name)).toEqual([]);
      for (const [what, value] of acknowledged) figure({ scenario: 'kill', what: `${what} kept`, value, unit: '' });
      const ready = hub.readyAfterMs.slice(1);
      const readyFigure = { scenario: 'kill', unit: 'ms' };
      figure({ ...readyFigure, what: 'ready again, median', value: percentile(ready, 0.5) });
      figure({ ...readyFigure, what: 'ready again, slowest', value: Math.max(...ready), atMost: READY_LIMIT_MS });
    },
    LIMIT_MS,
  );
});

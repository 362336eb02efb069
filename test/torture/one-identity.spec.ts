import type { RawMqtt } from '../support/raw-mqtt.js';
import { TortureHub } from './support/torture-hub.js';
import { figure, sized } from './support/torture-run.js';

const DEVICE = 'wanted';
const TOPIC = `devices/${DEVICE}/messages/events/`;
const DURATION_MS = sized(60_000, 4_000);
const LIMIT_MS = sized(5 * 60_000, 30_000);
/** Until then Node's heap takes the size that it needs: its young generation alone grows by 33 MiB. */
const SETTLING_MS = DURATION_MS / 3;
const GROWTH_LIMIT_MIB = 32;

describe('two connections that fight for one identity', () => {
  let hub: TortureHub;
  afterEach(() => hub.remove());

  it(
    'are never both alive: the last one wins, each time',
    async () => {
      hub = await TortureHub.make({ devices: [DEVICE], collects: true });
      await hub.start();
      const endMs = performance.now() + DURATION_MS;
      const settledMs = performance.now() + SETTLING_MS;
      let before: number | undefined;
      let changes = 0;
      const replacedAfterMs: number[] = [];

      let holder = await connect('first');
      while (performance.now() < endMs) {
        const rival = await connect(changes % 2 === 0 ? 'second' : 'first');
        const startMs = performance.now();
        // The rival is in, so the holder is out: nothing said from now on may be answered.
        const answered = Promise.race([holder.publish(TOPIC, 'both'), holder.ping()]);
        await expect(answered).rejects.toThrow('closed');
        await holder.closed;
        replacedAfterMs.push(performance.now() - startMs);
        await rival.publish(TOPIC, 'mine');
        expect(await answerOfMethod(rival)).toBe(changes);
        holder = rival;
        changes += 1;
        if (performance.now() > settledMs) before ??= await memoryInUse();
      }

      const { body } = await hub.callAsOwner({ method: 'GET', path: '/statistics/service' });
      expect(JSON.parse(body)).toMatchObject({ connectedDeviceCount: 1 });
      expect(changes).toBeGreaterThan(20);
      const of = { scenario: 'one-identity' };
      figure({ ...of, what: 'takeovers', value: changes, unit: '' });
      figure({
        ...of,
        what: 'slowest end of the loser',
        value: Math.max(...replacedAfterMs),
        unit: 'ms',
        atMost: 1_000,
      });
      const grown = ((await memoryInUse()) - (before ?? 0)) / 2 ** 20;
      figure({ ...of, what: 'memory grown, without garbage', value: grown, unit: 'MiB', atMost: GROWTH_LIMIT_MIB });

      async function memoryInUse(): Promise<number> {
        await hub.collectGarbage();
        return hub.memoryBytes();
      }

      async function connect(name: string): Promise<RawMqtt> {
        const mqtt = await hub.connectMqtt(DEVICE, { keepalive: 60 });
        await mqtt.subscribe('$iothub/methods/POST/#');
        mqtt.onPublish = ({ topic, payload }) => {
          const requestId = /\$rid=([^&]+)/.exec(topic)?.[1] ?? '';
          mqtt.send({
            ...{ cmd: 'publish', qos: 0, dup: false, retain: false, payload },
            topic: `$iothub/methods/res/200/?$rid=${requestId}`,
          });
        };
        return Object.assign(mqtt, { name });
      }

      /** What a call of a method brings: it goes to the connection that is in. */
      async function answerOfMethod(rival: RawMqtt): Promise<unknown> {
        const body = JSON.stringify({ methodName: 'who', payload: changes, responseTimeoutInSeconds: 10 });
        const reply = await hub.callAsOwner({ method: 'POST', path: `/twins/${DEVICE}/methods`, body });
        expect(reply.status).toBe(200);
        expect(rival.isClosed).toBe(false);
        return (JSON.parse(reply.body) as { payload: unknown }).payload;
      }
    },
    LIMIT_MS,
  );

  it(
    'that connect at the same moment end with one that lives',
    async () => {
      hub = await TortureHub.make({ devices: [DEVICE] });
      await hub.start();
      for (let round = 0; round < sized(200, 20); round += 1) {
        const rivals = await Promise.all(Array.from({ length: 4 }, () => hub.connectMqtt(DEVICE)));
        const answers = await Promise.allSettled(rivals.map((rival) => rival.publish(TOPIC, 'me')));
        // Who asks first may still be told yes before the next one is in; after that only one is left.
        await Promise.allSettled(rivals.map((rival) => rival.ping()));
        expect(answers.some(({ status }) => status === 'fulfilled')).toBe(true);
        expect(rivals.filter(({ isClosed }) => !isClosed)).toHaveLength(1);
        for (const rival of rivals) rival.destroy();
      }
    },
    LIMIT_MS,
  );
});

import { openTls } from '../support/raw-mqtt.js';
import { until } from '../support/until.js';
import { spoilt } from './malformed/mutate.js';
import { amqp, https, mqtt, type SpokenProtocol, webSocket } from './malformed/protocol-frames.js';
import { SeededRandom } from './support/seeded-random.js';
import { TortureHub } from './support/torture-hub.js';
import { figure, percentile, SEED, sized } from './support/torture-run.js';
import { Witness } from './support/witness.js';

const FRAMES = sized(10_000, 500);
const FRAMES_A_CONNECTION = 3;
const CONNECTIONS_AT_ONCE = 8;
const GROWTH_LIMIT_MIB = 64;
const LIMIT_MS = sized(20 * 60_000, 60_000);
const DEVICE = 'garbler';

describe('frames that no client sends', () => {
  let hub: TortureHub;
  beforeAll(async () => {
    hub = await TortureHub.make({ devices: [DEVICE, 'honest'] });
    await hub.start();
  }, LIMIT_MS);
  afterAll(() => hub.remove());

  it.each<[string, (hub: TortureHub, deviceId: string) => SpokenProtocol | Promise<SpokenProtocol>]>([
    ['MQTT', mqtt],
    ['WebSocket', webSocket],
    ['HTTPS', https],
    ['AMQP', amqp],
  ])(
    `leave the hub as it was: ${FRAMES} over %s (seed ${SEED})`,
    async (name, speak) => {
      const random = new SeededRandom(`malformed ${name}`);
      const protocol = await speak(hub, DEVICE);
      const witness = Witness.watch(hub, 'honest');
      // What the first connections take for good is not the garbler's.
      await sendAll(protocol, random, sized(3_000, 50));
      const before = hub.memoryBytes();
      const logged = hub.process.log().length;

      await sendAll(protocol, random, FRAMES);

      await witness.stop();
      const mishaps = hub.process
        .log()
        .slice(logged)
        .split('\n')
        .filter((line) => /"level":[56]0/.test(line));
      expect(mishaps).toEqual([]);
      expect((await hub.callAsOwner({ method: 'GET', path: `/devices/${DEVICE}` })).status).toBe(200);
      await settledMemory(before);
      const of = { scenario: 'malformed-frames' };
      figure({ ...of, what: `${name}: frames`, value: FRAMES, unit: '' });
      const grown = (hub.memoryBytes() - before) / 2 ** 20;
      figure({ ...of, what: `${name}: memory grown`, value: grown, unit: 'MiB', atMost: GROWTH_LIMIT_MIB });
      const p99 = percentile(witness.answeredAfterMs, 0.99);
      figure({ ...of, what: `${name}: honest client, p99`, value: p99, unit: 'ms' });
    },
    LIMIT_MS,
  );

  async function sendAll(protocol: SpokenProtocol, random: SeededRandom, count: number): Promise<void> {
    let left = count;
    const lane = async () => {
      while (left > 0) {
        const frames = Math.min(left, FRAMES_A_CONNECTION);
        left -= frames;
        await sendSome(protocol, random, frames);
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS_AT_ONCE }, lane));
  }

  /** One connection: the opening, mostly, and then nonsense. Ends when the hub, or the client, has closed it. */
  async function sendSome(
    { opening, frames, repair }: SpokenProtocol,
    random: SeededRandom,
    count: number,
  ): Promise<void> {
    const nonsense = () => {
      const frame = spoilt(frames, random);
      return repair !== undefined && random.chance(0.7) ? repair(frame) : frame;
    };
    const said = random.chance(0.8) ? random.int(1, opening.length) : 0;
    const bytes = [...opening.slice(0, said), ...Array.from({ length: count }, nonsense)];
    const stream = await openTls(hub.address);
    const closed = new Promise<void>((resolve) => stream.once('close', resolve));
    stream.resume();
    stream.end(Buffer.concat(bytes));
    await closed;
  }

  /** Garbage is collected when Node sees fit. */
  async function settledMemory(before: number): Promise<void> {
    const settled = () => hub.memoryBytes() - before <= GROWTH_LIMIT_MIB * 2 ** 20;
    await until(settled, `${GROWTH_LIMIT_MIB} MiB of growth at most`, sized(10_000, 0)).catch(() => undefined);
  }
});

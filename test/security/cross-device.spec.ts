import type { RawMqtt } from '../support/raw-mqtt.js';
import { SEED } from '../torture/support/torture-run.js';
import { SeededRandom } from '../torture/support/seeded-random.js';
import {
  anyFilter,
  anyLink,
  anyRequest,
  anySpelling,
  anyTopic,
  INTRUDER,
  type Knowledge,
  VICTIM,
} from './cross-device/attempts.js';
import { CANARY, Scene } from './cross-device/scene.js';

const HTTPS_ATTEMPTS = 5_000;
const FILTER_ATTEMPTS = 2_500;
const LINK_ATTEMPTS = 1_500;
const PUBLISH_ATTEMPTS = 700;
const CONNECT_ATTEMPTS = 300;
/** Of one SUBSCRIBE. */
const FILTERS_AT_ONCE = 5;
const LIMIT_MS = 120_000;

describe('a device that goes at another one', () => {
  let scene: Scene;
  let known: Knowledge;
  const random = new SeededRandom('cross-device');

  beforeAll(async () => {
    scene = await Scene.set();
    known = await scene.letVictimWork();
  }, LIMIT_MS);
  afterEach(async () => {
    // Whatever was tried: nothing is seen, and nothing is otherwise than it was.
    expect(scene.seenByIntruder()).not.toContain(CANARY);
    await scene.expectVictimUntouched();
  });
  afterAll(() => scene.close());

  it(
    `is refused ${HTTPS_ATTEMPTS} requests (seed ${SEED})`,
    async () => {
      for (let count = 0; count < HTTPS_ATTEMPTS; count += 1) {
        const attempt = anyRequest(random, known);
        const status = await scene.request(INTRUDER, attempt);
        if (status < 400) throw new Error(`${attempt.method} ${attempt.path} was answered with ${status}.`);
      }
    },
    LIMIT_MS,
  );

  it(
    `is refused ${FILTER_ATTEMPTS} topic filters (seed ${SEED})`,
    async () => {
      let mqtt = await scene.connect(INTRUDER);
      for (let count = 0; count < FILTER_ATTEMPTS; count += FILTERS_AT_ONCE) {
        if (mqtt.isClosed) mqtt = await scene.connect(INTRUDER);
        const filters = Array.from({ length: FILTERS_AT_ONCE }, () => anyFilter(random));
        // Closing the connection refuses them just as well.
        const granted = await mqtt.subscribe(...filters).catch(() => [128]);
        if (granted.some((code) => code !== 128)) throw new Error(`One of ${filters.join(' ')} was granted.`);
      }
      mqtt.destroy();
    },
    LIMIT_MS,
  );

  it(
    `is cut off when it publishes to ${PUBLISH_ATTEMPTS} topics (seed ${SEED})`,
    async () => {
      let mqtt: RawMqtt | undefined;
      for (let count = 0; count < PUBLISH_ATTEMPTS; count += 1) {
        if (mqtt === undefined || mqtt.isClosed) mqtt = await scene.connect(INTRUDER);
        const topic = anyTopic(random, known);
        const answer = await mqtt.publish(topic, 'forged').then(
          () => 'acknowledged',
          () => 'cut off',
        );
        // An answer to a call that nobody has made is thrown away, and acknowledged.
        if (answer === 'acknowledged' && !topic.startsWith('$iothub/methods/res/')) {
          throw new Error(`A message to ${topic} was acknowledged.`);
        }
      }
      mqtt?.destroy();
    },
    LIMIT_MS,
  );

  it(
    `is refused ${CONNECT_ATTEMPTS} connections in the other's name (seed ${SEED})`,
    async () => {
      for (let count = 0; count < CONNECT_ATTEMPTS; count += 1) {
        const [clientId, named] = random.pick([
          [anySpelling(random), anySpelling(random)],
          [VICTIM, VICTIM],
          [VICTIM, INTRUDER],
          [INTRUDER, VICTIM],
          [`${VICTIM}/m`, `${VICTIM}/m`],
        ] as [string, string][]);
        const code = await scene.tryConnect(clientId, named, scene.token(INTRUDER));
        if (code === 0) throw new Error(`A connection as ${clientId}, named ${named}, was accepted.`);
      }
    },
    LIMIT_MS,
  );

  it(
    `is refused ${LINK_ATTEMPTS} links (seed ${SEED})`,
    async () => {
      for (let count = 0; count < LINK_ATTEMPTS; count += 1) {
        const attempt = anyLink(random);
        if (await scene.attach(INTRUDER, attempt))
          throw new Error(`A ${attempt.direction} at ${attempt.address} was opened.`);
      }
    },
    LIMIT_MS,
  );

  it('cannot answer a method call of the other, though it knows the request', async () => {
    const { answered, requestId } = await scene.callVictim();
    const mqtt = await scene.connect(INTRUDER);
    await mqtt.publish(`$iothub/methods/res/200/?$rid=${requestId}`, '"forged"');
    scene.answerAsVictim(requestId);
    expect(await answered).toEqual({ status: 201, payload: 'mine' });
    mqtt.destroy();
  });

  it('would be caught: with the right key each kind of attempt succeeds, and shows the canary', async () => {
    const twin = { method: 'GET', path: `/devices/${VICTIM}/messages/devicebound` };
    expect(await scene.request(VICTIM, twin)).toBe(200);
    expect(scene.takeSeen(VICTIM)).toContain(CANARY);
    expect(
      await scene.request(VICTIM, { method: 'POST', path: `/devices/${VICTIM}/messages/events`, body: 'own' }),
    ).toBe(204);
    for (const node of ['messages/events', 'twin']) {
      const address = `/devices/${VICTIM}/${node}`;
      expect(await scene.attach(VICTIM, { direction: 'sender', address })).toBe(true);
    }
    expect(await scene.tryConnect(VICTIM, VICTIM, scene.token(VICTIM))).toBe(0);
    await scene.resetAfterControl();
  });
});

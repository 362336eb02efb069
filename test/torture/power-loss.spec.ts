import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Store } from '../../apps/iot-hub-emulator/src/storage/store.js';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { afterPowerCut, LEFTOVER_KINDS, someSectors } from './power-loss/power-cut.js';
import { DATABASE, DEVICE, lastThingThere, LOG, logAt, type Moment, recordWork } from './power-loss/recorded-work.js';
import { SeededRandom } from './support/seeded-random.js';
import { figure, SEED, sized } from './support/torture-run.js';

const THINGS = sized(800, 250);
const POINTS = sized(500, 40);
const LIMIT_MS = sized(20 * 60_000, 60_000);

/** A state in which a power cut may leave the files, and the last thing that was acknowledged by then. */
interface Wreck {
  readonly what: string;
  readonly acknowledged: number;
  readonly database: Buffer;
  readonly log: Buffer;
}

describe('a power cut', () => {
  let directory: string;
  let hub: TestIotHub;
  let moments: Moment[];
  const random = new SeededRandom('power loss');

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'power-loss-'));
    hub = await startTestIotHub({
      inMemory: false,
      dataDirectory: directory,
      seed: { devices: [{ deviceId: DEVICE }] },
    });
    moments = await recordWork(hub, directory, { count: THINGS, random });
    await hub.close();
  }, LIMIT_MS);
  afterAll(async () => {
    await hub.close();
    await rm(directory, { recursive: true, force: true });
  });

  it(
    `in the middle of writing the log loses nothing acknowledged, at ${POINTS} points (seed ${SEED})`,
    async () => {
      for (let point = 0; point < POINTS; point += 1) await expectKept(whileWriting());
      figure({ scenario: 'power-loss', what: 'power cuts while writing the log', value: POINTS, unit: '' });
    },
    LIMIT_MS,
  );

  it(
    'in the middle of moving the log into the database loses nothing acknowledged',
    async () => {
      const checkpoints = moments.filter((moment, index) => moment.database !== moments[index - 1]?.database).slice(1);
      // Fewer would mean that this run has not seen what it is about.
      expect(checkpoints.length).toBeGreaterThan(1);
      const cutsEach = Math.ceil(POINTS / 4 / checkpoints.length);
      for (const moment of checkpoints) {
        for (let cut = 0; cut < cutsEach; cut += 1) await expectKept(duringCheckpoint(moment));
      }
      figure({
        scenario: 'power-loss',
        what: `power cuts in the middle of ${checkpoints.length} checkpoints`,
        value: cutsEach * checkpoints.length,
        unit: '',
      });
    },
    LIMIT_MS,
  );

  it('finds the log flushed before it is copied, the database after it: the store asks for it', () => {
    const store = new Store(join(directory, 'another.db'));
    expect(store.database.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 1 });
    expect(store.database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
    store.close();
  });

  it('is seen to lose something when acknowledged bytes themselves are cut off', async () => {
    const moment = momentAt(moments.length - 1);
    const shortened = moment.round.log.subarray(0, moment.position.end - 1);
    const wreck = { what: 'a log cut too early', acknowledged: moment.number, database: moment.database };
    await expect(expectKept({ ...wreck, log: shortened })).rejects.toThrow(/was acknowledged/);
  });

  function momentAt(index: number): Moment {
    const moment = moments[index];
    if (moment === undefined) throw new RangeError('No such moment was recorded.');
    return moment;
  }

  /** Between one thing acknowledged and the next, some of the next one's bytes are on the disk. */
  function whileWriting(): Wreck {
    for (;;) {
      const index = random.int(0, moments.length - 2);
      const [before, after] = [momentAt(index), momentAt(index + 1)];
      // Then the database was being written as well: the other test.
      if (before.database !== after.database) continue;
      const begunAnew = before.position.salts !== after.position.salts;
      const from = random.int(begunAnew ? 0 : before.position.end, after.position.end);
      const unwritten = logAt(before);
      const written = logAt(after).subarray(0, Math.max(after.position.end, unwritten.length));
      const kind = begunAnew && from < 32 ? 'old' : random.pick(LEFTOVER_KINDS);
      return {
        what: `${kind} from byte ${from} of the log on, between ${before.number} and ${after.number}`,
        acknowledged: from >= after.position.end ? after.number : before.number,
        database: before.database,
        log: afterPowerCut(kind, written, from, { before: unwritten, random }),
      };
    }
  }

  /** The log is whole and flushed; of the pages that go into the database some sectors are there. */
  function duringCheckpoint(after: Moment): Wreck {
    const before = momentAt(moments.indexOf(after) - 1);
    return {
      what: `a checkpoint cut short after ${after.number}`,
      acknowledged: after.number,
      database: someSectors(after.database, 0, { before: before.database, random }),
      log: logAt(after),
    };
  }

  async function expectKept({ what, acknowledged, database, log }: Wreck): Promise<void> {
    const wreck = await mkdtemp(join(tmpdir(), 'power-loss-wreck-'));
    try {
      await writeFile(join(wreck, DATABASE), database);
      await writeFile(join(wreck, LOG), log);
      await cp(join(directory, 'tls'), join(wreck, 'tls'), { recursive: true });
      const opened = await startTestIotHub({ inMemory: false, dataDirectory: wreck });
      const last = await lastThingThere(opened, wreck, moments).finally(() => opened.close());
      if (last < acknowledged) throw new Error(`${acknowledged} was acknowledged, but the state ends at ${last}.`);
    } catch (cause) {
      throw new Error(`${what} (seed ${SEED}): ${(cause as Error).message}`, { cause });
    } finally {
      await rm(wreck, { recursive: true, force: true });
    }
  }
});

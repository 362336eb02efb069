import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nextOperation } from './model/operations.js';
import { World } from './model/world.js';
import { SeededRandom } from './support/seeded-random.js';
import { TortureHub } from './support/torture-hub.js';
import { figure, SEED, sized } from './support/torture-run.js';

const OPERATIONS = sized(100_000, 2_000);
const OPERATIONS_A_START = sized(1_000, 400);
const LIMIT_MS = sized(40 * 60_000, 90_000);
/** A folder of Linux that is kept in memory. */
const MEMORY_DISK = '/dev/shm';
const TOLD_HISTORY = 30;

describe('random operations', () => {
  let hub: TortureHub;
  let directory: string;
  afterEach(async () => {
    await hub.remove();
    await rm(directory, { recursive: true, force: true });
  });

  it(
    `do with the hub what they do with a plain model, ${OPERATIONS} of them (seed ${SEED})`,
    async () => {
      // Flushing is for others to show: in memory it takes no time.
      const folder = existsSync(MEMORY_DISK) ? MEMORY_DISK : tmpdir();
      directory = await mkdtemp(join(folder, 'reference-model-'));
      hub = await TortureHub.make({ dataDirectory: directory });
      await hub.start();
      const world = new World(hub, new SeededRandom('reference model'));
      const history: string[] = [];
      for (let number = 1; number <= OPERATIONS; number += 1) {
        const name = world.anyName();
        const operation = nextOperation(world, number % OPERATIONS_A_START === 0);
        try {
          history.push(`${number} ${name}: ${await operation(world, name)}`);
        } catch (cause) {
          const before = history.slice(-TOLD_HISTORY).join('\n');
          throw new Error(`${before}\n${number} ${name}, seed ${SEED}: ${(cause as Error).message}`, { cause });
        }
      }
      await world.restart(true);
      figure({ scenario: 'reference-model', what: 'operations, none diverging', value: OPERATIONS, unit: '' });
      figure({
        scenario: 'reference-model',
        what: 'restarts between them',
        value: hub.readyAfterMs.length - 1,
        unit: '',
      });
    },
    LIMIT_MS,
  );
});

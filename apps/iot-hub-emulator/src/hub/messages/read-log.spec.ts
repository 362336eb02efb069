import { aHubMessage } from '../../../test-support/log-messages.js';
import { aHub, type TestHub } from '../../../test-support/test-hub.js';
import { countLog, readLog } from './read-log.js';

describe(countLog.name, () => {
  let hub: TestHub;
  beforeEach(() => {
    hub = aHub();
  });
  afterEach(() => {
    hub.store.close();
  });

  /** A run for each list of sets of endpoints. */
  const append = async (...runs: number[][]) => {
    for (const run of runs) {
      await hub.store.write(() => {
        for (const endpoints of run) hub.log.append({ message: aHubMessage(), endpoints, stamped: [] });
      });
    }
  };

  it.each([1, 2, 4])('counts what could be read for endpoint %s, wherever a stretch begins and ends', async (bit) => {
    await append([3, 3, 3], [1], [2], [1, 2, 3, 1], [3, 3], [1, 1, 1], [2, 2]);
    for (let after = 0; after <= 16; after += 1) {
      for (let through = after; through <= 17; through += 1) {
        const stretch = { bit, after, through };
        expect([stretch, countLog(hub.store, stretch)]).toEqual([
          stretch,
          readLog(hub.store, { ...stretch, limit: 100 }).length,
        ]);
      }
    }
    expect(countLog(hub.store, { bit, after: 0 })).toBe({ 1: 12, 2: 10, 4: 0 }[bit]);
  });
});

import { aHub, type TestHub } from '../../../test-support/test-hub.js';
import { nextEventNumber } from './event-numbers.js';

describe(nextEventNumber.name, () => {
  let hub: TestHub;

  beforeEach(() => {
    hub = aHub();
  });
  afterEach(() => {
    hub.store.close();
  });

  const insert = (partitionId: number) =>
    hub.store.write(() => {
      const number = nextEventNumber(hub.store, partitionId);
      hub.store
        .sql(
          `INSERT INTO messages (partition_id, enqueued_ms, device_id, generation_id, auth_scope, system_properties,
             properties, body, events_sequence)
           VALUES (?, 0, 'd1', '1', 'device', '{}', '{}', x'', ?)`,
        )
        .run(partitionId, number);
      return number;
    });

  it('counts each partition by itself, from 0', async () => {
    expect(await insert(0)).toBe(0);
    expect(await insert(0)).toBe(1);
    expect(await insert(1)).toBe(0);
    expect(await insert(0)).toBe(2);
  });

  it('gives the number of an event that was undone again', async () => {
    expect(await insert(0)).toBe(0);
    await expect(
      hub.store.write(() => {
        nextEventNumber(hub.store, 0);
        nextEventNumber(hub.store, 0);
        throw new Error('undo');
      }),
    ).rejects.toThrow('undo');
    expect(await insert(0)).toBe(1);
  });

  it('goes on where deleted events ended', async () => {
    await hub.store.write(() => {
      hub.store.sql('INSERT INTO event_partitions (partition_id, last_deleted) VALUES (3, 41)').run();
    });
    expect(await insert(3)).toBe(42);
  });
});

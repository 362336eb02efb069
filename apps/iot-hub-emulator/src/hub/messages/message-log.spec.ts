import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { aLoggedMessage } from '../../../test-support/log-messages.js';
import { aHub, type TestHub } from '../../../test-support/test-hub.js';
import { SCHEMA_STEPS } from '../../storage/schema.js';
import { Store } from '../../storage/store.js';
import { appendToLog } from './message-log.js';
import { deleteExpiredMessages } from './message-retention.js';
import { partitionOf } from './partition.js';

describe(appendToLog.name, () => {
  let hub: TestHub;
  beforeEach(() => {
    hub = aHub();
  });
  afterEach(() => {
    hub.store.close();
  });

  const append = (deviceId: string) =>
    hub.store.writeOne(() => {
      appendToLog(hub, aLoggedMessage({ deviceId, enqueuedMs: hub.clock.nowMs() }));
    });
  const numbers = (store: Store, deviceId: string) =>
    store
      .sql('SELECT events_sequence FROM messages WHERE device_id = ? ORDER BY sequence_number')
      .all(deviceId)
      .map((row) => row.events_sequence);

  it('numbers the messages of the built-in endpoint by partition, without gaps', async () => {
    const other = Array.from({ length: 100 }, (_, index) => `d${index}`).find(
      (id) => partitionOf(id, 4) !== partitionOf('a', 4),
    );
    await append('a');
    await append(other ?? '');
    await append('a');
    await append(other ?? '');
    expect(numbers(hub.store, 'a')).toEqual([0, 1]);
    expect(numbers(hub.store, other ?? '')).toEqual([0, 1]);
  });

  it('goes on counting after all messages of a partition are deleted', async () => {
    await append('a');
    await append('a');
    hub.clock.advance(10);
    await deleteExpiredMessages(hub, 5);
    await append('a');
    expect(numbers(hub.store, 'a')).toEqual([2]);
  });

  it('numbers what an older database holds', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'message-log-'));
    const file = path.join(directory, 'hub.db');
    const old = new DatabaseSync(file);
    old.exec(`${SCHEMA_STEPS[0] ?? ''} PRAGMA user_version = 1;`);
    const insert = old.prepare(
      `INSERT INTO messages (partition_id, enqueued_ms, device_id, generation_id, auth_scope, system_properties,
         properties, body) VALUES (?, 0, ?, '1', 'device', '{}', '{}', x'00')`,
    );
    for (const deviceId of ['a', 'b', 'a']) insert.run(deviceId === 'a' ? 0 : 1, deviceId);
    old.close();
    const store = new Store(file);
    expect(numbers(store, 'a')).toEqual([0, 1]);
    expect(numbers(store, 'b')).toEqual([0]);
    expect(store.sql('SELECT DISTINCT source, endpoints FROM messages').all()).toEqual([
      { source: 'Telemetry', endpoints: 1 },
    ]);
    store.close();
    await rm(directory, { recursive: true, force: true });
  });
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { aLoggedMessage } from '../../../test-support/log-messages.js';
import { aHub, type TestHub } from '../../../test-support/test-hub.js';
import { SCHEMA_STEPS } from '../../storage/schema.js';
import { Store } from '../../storage/store.js';
import { appendToLog, MessageLog } from './message-log.js';
import { deleteExpiredMessages } from './message-retention.js';
import { readStretch } from '../events/partition-log.js';
import { readLog } from './read-log.js';
import { partitionOf } from './partition.js';

/** That of device a, of 4. */
const PARTITION = partitionOf('a', 4);
const ALL = { events: 1000, sizeBytes: Infinity };

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
    readStretch(store, { partitionId: partitionOf(deviceId, 4), first: 0, last: 100 }, ALL).map(
      ({ sequenceNumber }) => sequenceNumber,
    );

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

  it('gives the number of an event that was undone again', async () => {
    await append('a');
    await expect(
      hub.store.write(() => {
        appendToLog(hub, aLoggedMessage({ deviceId: 'a' }));
        appendToLog(hub, aLoggedMessage({ deviceId: 'a' }));
        throw new Error('undo');
      }),
    ).rejects.toThrow('undo');
    await append('a');
    expect(numbers(hub.store, 'a')).toEqual([0, 1]);
    expect(readLog(hub.store, { bit: 1, after: 0, limit: 10 }).map(({ sequenceNumber }) => sequenceNumber)).toEqual([
      1, 2,
    ]);
  });

  it('keeps what was appended beside a write that failed', async () => {
    const before = append('a');
    const failing = hub.store.write(() => {
      appendToLog(hub, aLoggedMessage({ deviceId: 'a', properties: { of: 'the failure' } }));
      throw new Error('undo');
    });
    const after = append('a');
    await expect(failing).rejects.toThrow('undo');
    await Promise.all([before, after]);
    expect(readLog(hub.store, { bit: 1, after: 0, limit: 10 }).map(({ properties }) => properties)).toEqual([{}, {}]);
  });

  it('keeps nothing, and gives no number, when the commit fails', async () => {
    await append('a');
    hub.store.database.exec(
      `CREATE TRIGGER full BEFORE INSERT ON message_runs BEGIN SELECT RAISE(ROLLBACK, 'the disk is full'); END`,
    );
    await expect(append('a')).rejects.toThrow('the disk is full');
    expect(hub.events.lastEnqueued(partitionOf('a', 4)).sequenceNumber).toBe(0);
    hub.store.database.exec('DROP TRIGGER full');
    await append('a');
    expect(numbers(hub.store, 'a')).toEqual([0, 1]);
    expect(hub.log.lastSequenceNumber).toBe(2);
  });

  it('counts what the open transaction has appended', async () => {
    const appended = append('a');
    expect(hub.log.lastSequenceNumber).toBe(1);
    await appended;
    expect(hub.log.lastSequenceNumber).toBe(1);
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
    for (const deviceId of ['a', 'b', 'a', 'gone']) insert.run(deviceId === 'a' ? PARTITION : PARTITION + 1, deviceId);
    old.exec(`DELETE FROM messages WHERE device_id = 'gone'`);
    old.close();
    const store = new Store(file);
    expect(numbers(store, 'a')).toEqual([0, 1]);
    // A number that was given once is not given again.
    expect(new MessageLog(store, 4).lastSequenceNumber).toBe(4);
    expect(readLog(store, { bit: 1, after: 0, limit: 10 })).toEqual(
      ['a', 'b', 'a'].map((deviceId, index) => ({
        sequenceNumber: index + 1,
        source: 'Telemetry',
        deviceId,
        generationId: '1',
        authScope: 'device',
        authType: 'sas',
        enqueuedMs: 0,
        systemProperties: {},
        properties: {},
        body: new Uint8Array(1),
      })),
    );
    store.close();
    await rm(directory, { recursive: true, force: true });
  });
});

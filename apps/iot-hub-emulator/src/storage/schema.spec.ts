import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { aHub } from '../../test-support/test-hub.js';
import { loadSubscriptions } from '../hub/connections/stored-subscriptions.js';
import { readLog } from '../hub/messages/read-log.js';
import { listDevices } from '../hub/registry/identities.js';
import { getTwin } from '../hub/twins/service-twin.js';
import { SCHEMA_STEPS } from './schema.js';
import { Store } from './store.js';

/** A database as it was before there were modules, with a device that has all that refers to one. */
function writeFormatTwo(file: string): void {
  const database = new DatabaseSync(file);
  database.exec(`${SCHEMA_STEPS.slice(0, 2).join('')} PRAGMA user_version = 2;
    INSERT INTO devices (device_id, generation_id, etag, status, status_reason, primary_key, twin_etag, twin_version,
        tags, desired, desired_version, reported, reported_version)
      VALUES ('cam', '7', 'ZQ==', 'disabled', 'broken', 'a2V5', 'AAAAAAAAAAM=', 3, '{"a":1}', '{"b":2}', 4, '{"c":3}', 5);
    INSERT INTO stored_subscriptions VALUES ('cam', '$iothub/methods/POST/#', 1);
    INSERT INTO file_uploads VALUES ('upload-1', 'cam', 'cam/a.jpg', 9);
    INSERT INTO messages (partition_id, enqueued_ms, device_id, generation_id, auth_scope, system_properties, properties,
        body) VALUES (1, 2, 'cam', '7', 'device', '{}', '{"p":"1"}', x'7b7d');`);
  database.close();
}

describe('the schema', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'schema-spec-'));
  });
  afterEach(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  it('takes over a database from before there were modules', () => {
    const file = path.join(directory, 'hub.db');
    writeFormatTwo(file);
    const store = new Store(file);
    const hub = aHub({ store });
    expect(listDevices(hub)).toMatchObject([
      { deviceId: 'cam', generationId: '7', etag: 'ZQ==', status: 'disabled', statusReason: 'broken' },
    ]);
    expect(getTwin(hub, { deviceId: 'cam' })).toMatchObject({
      version: 8,
      etag: 'AAAAAAAAAAM=',
      tags: { a: 1 },
      properties: { desired: { b: 2, $version: 4 }, reported: { c: 3, $version: 5 } },
    });
    expect(loadSubscriptions(hub, { deviceId: 'cam' })).toEqual([{ filter: '$iothub/methods/POST/#', qos: 1 }]);
    expect(store.sql('SELECT correlation_id, device_id FROM file_uploads').all()).toEqual([
      { correlation_id: 'upload-1', device_id: 'cam' },
    ]);
    const [message] = readLog(store, { bit: 1, after: 0, limit: 10 });
    expect(message).toMatchObject({ deviceId: 'cam', authScope: 'device', authType: 'sas', properties: { p: '1' } });
    expect(message).not.toHaveProperty('moduleId');
    expect(store.sql('PRAGMA foreign_key_check').all()).toEqual([]);
    store.close();
    // And once more, as it is now.
    new Store(file).close();
  });
});

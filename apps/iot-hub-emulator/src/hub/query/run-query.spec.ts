import { Store } from '../../storage/store.js';
import { HubError } from '../errors/hub-errors.js';
import type { JsonObject } from '../json.js';
import { ActivityLog } from '../registry/activity-log.js';
import { runQuery } from './run-query.js';

interface TwinSettings {
  tags?: JsonObject;
  desired?: JsonObject;
  reported?: JsonObject;
  status?: 'enabled' | 'disabled';
}

const stores: Store[] = [];
afterEach(() => {
  for (const store of stores.splice(0)) store.close();
});

async function aHub(twins: Readonly<Record<string, TwinSettings>>) {
  const store = new Store(':memory:');
  stores.push(store);
  await store.write(() => {
    const insert = store.sql(
      `INSERT INTO identities (device_id, generation_id, etag, twin_etag, primary_key, status, tags, desired, reported)
       VALUES (?, '1', 'AAA=', 'BBB=', 'secret-key', ?, ?, ?, ?)`,
    );
    for (const [deviceId, { tags = {}, desired = {}, reported = {}, status = 'enabled' }] of Object.entries(twins)) {
      insert.run(deviceId, status, JSON.stringify(tags), JSON.stringify(desired), JSON.stringify(reported));
    }
  });
  return { store, activity: new ActivityLog(store) };
}

type QueryHub = Awaited<ReturnType<typeof aHub>>;
const items = async (hub: QueryHub, query: string) => (await runQuery(hub, { query, maxItemCount: 100 })).items;

/** All pages of a query, each as its list of items. */
async function pages(hub: QueryHub, query: string, maxItemCount: number) {
  const found = [];
  let continuation: string | undefined;
  do {
    const page = await runQuery(hub, { query, maxItemCount, ...(continuation !== undefined && { continuation }) });
    found.push(page.items);
    continuation = page.continuation;
  } while (continuation !== undefined);
  return found;
}

async function refusal(run: Promise<unknown>): Promise<HubError> {
  try {
    await run;
  } catch (error) {
    if (error instanceof HubError) return error;
    throw error;
  }
  throw new Error('It was not refused.');
}

const FLEET = {
  cam1: { tags: { site: 'north', floor: 2 }, reported: { level: 10, mode: 'on' } },
  cam2: { tags: { site: 'north' }, reported: { level: 20, mode: 'off' }, status: 'disabled' },
  cam3: { tags: { site: 'south', floor: 3 }, reported: { level: 0.5, mode: 5 } },
  door: { desired: { rate: 60 } },
} as const satisfies Record<string, TwinSettings>;

describe(runQuery.name, () => {
  it('gives whole twins for *, as services see them', async () => {
    const hub = await aHub({ cam1: FLEET.cam1 });
    const page = await runQuery(hub, { query: "SELECT * FROM devices WHERE tags.site = 'north'", maxItemCount: 10 });
    expect(page).toEqual({
      itemType: 'Twin',
      items: [
        expect.objectContaining({
          deviceId: 'cam1',
          etag: 'BBB=',
          tags: FLEET.cam1.tags,
          properties: {
            desired: { $metadata: {}, $version: 1 },
            reported: { ...FLEET.cam1.reported, $metadata: {}, $version: 1 },
          },
        }),
      ],
    });
    expect(JSON.stringify(page)).not.toContain('secret-key');
  });

  it('projects values under their last name or their alias and leaves out what is undefined', async () => {
    const hub = await aHub(FLEET);
    expect(await items(hub, 'SELECT DeviceID, tags.floor, properties.reported.level AS l FROM devices')).toEqual([
      { deviceId: 'cam1', floor: 2, l: 10 },
      { deviceId: 'cam2', l: 20 },
      { deviceId: 'cam3', floor: 3, l: 0.5 },
      { deviceId: 'door' },
    ]);
    const [door] = await items(hub, "SELECT devices.properties.desired FROM devices WHERE devices.deviceId = 'door'");
    expect(door).toEqual({ desired: { rate: 60, $metadata: {}, $version: 1 } });
    expect((await runQuery(hub, { query: 'SELECT deviceId FROM devices', maxItemCount: 1 })).itemType).toBe('Raw');
  });

  it.each([
    ["status = 'disabled'", ['cam2']],
    ["tags.site IN ['south', 'west']", ['cam3']],
    ["tags.site NIN ['south']", ['cam1', 'cam2']],
    ['properties.reported.level * 2 >= 20 AND NOT status = "disabled"', ['cam1']],
    ['IS_DEFINED(tags.floor)', ['cam1', 'cam3']],
    ['not is_defined(tags.site)', ['door']],
    ['is_string(properties.reported.mode)', ['cam1', 'cam2']],
    ["STARTSWITH(deviceId, 'ca') AND ENDSWITH(deviceId, '3')", ['cam3']],
    ["properties.reported.mode = '5'", []],
    ['properties.reported.mode != 1', ['cam3']],
    ['tags.site != null', ['cam1', 'cam2', 'cam3']],
    ['tags.floor = undefined', []],
    ['NOT tags.floor = 2', ['cam3']],
    ["tags = 'north'", []],
    ['tags.floor', []],
    ['true', ['cam1', 'cam2', 'cam3', 'door']],
    ['properties.desired.$version = 1', ['cam1', 'cam2', 'cam3', 'door']],
    ["connectionState = 'Disconnected' AND cloudToDeviceMessageCount = 0", ['cam1', 'cam2', 'cam3', 'door']],
    ['capabilities.iotEdge = false AND Tags.floor = 2', ['cam1']],
    ["tags.SITE = 'north'", []],
    ["primary_key = 'secret-key' OR primaryKey = 'secret-key'", []],
    ['statusReason = null OR NOT x509Thumbprint.primaryThumbprint = null', []],
  ])('WHERE %s', async (condition, expected) => {
    const hub = await aHub(FLEET);
    expect((await items(hub, `SELECT * FROM devices WHERE ${condition}`)).map((item) => item.deviceId)).toEqual(
      expected,
    );
  });

  it('counts and aggregates, over everything or by group', async () => {
    const hub = await aHub(FLEET);
    expect(await items(hub, 'SELECT COUNT() AS total FROM devices')).toEqual([{ total: 4 }]);
    expect(await items(hub, "SELECT COUNT(), SUM(tags.floor) FROM devices WHERE deviceId = 'none'")).toEqual([
      { $1: 0 },
    ]);
    expect(
      await items(
        hub,
        `SELECT AVG(properties.reported.level) AS avg, SUM(properties.reported.level) AS sum,
           MIN(properties.reported.level) AS low, MAX(deviceId) AS last FROM devices`,
      ),
    ).toEqual([{ avg: 30.5 / 3, sum: 30.5, low: 0.5, last: 'door' }]);
    expect(await items(hub, 'SELECT tags.site AS site, COUNT() AS n FROM devices GROUP BY tags.site')).toEqual([
      { n: 1 },
      { site: 'north', n: 2 },
      { site: 'south', n: 1 },
    ]);
    expect(
      await items(hub, 'SELECT properties.reported.mode FROM devices GROUP BY devices.properties.reported.mode'),
    ).toEqual([{}, { mode: 'off' }, { mode: 'on' }, { mode: 5 }]);
    expect(await items(hub, 'SELECT status, COUNT() AS n FROM devices GROUP BY status')).toEqual([
      { status: 'disabled', n: 1 },
      { status: 'enabled', n: 3 },
    ]);
  });

  it('finds modules of all devices, apart from the devices themselves', async () => {
    const hub = await aHub(FLEET);
    await hub.store.write(() => {
      const insert = hub.store.sql(
        "INSERT INTO identities (device_id, module_id, generation_id, etag, twin_etag, tags) VALUES (?, ?, '1', 'a', 'b', ?)",
      );
      insert.run('cam1', 'lens', '{"site":"north"}');
      insert.run('cam1', 'agent', '{"site":"south"}');
      insert.run('door', 'lock', '{"site":"north"}');
    });
    const all = await runQuery(hub, { query: 'SELECT * FROM devices.modules', maxItemCount: 10 });
    expect(all.itemType).toBe('Twin');
    expect(all.items.map(({ deviceId, moduleId }) => [deviceId, moduleId])).toEqual([
      ['cam1', 'agent'],
      ['cam1', 'lens'],
      ['door', 'lock'],
    ]);
    expect((await pages(hub, 'SELECT moduleId FROM devices.modules', 1)).flat()).toEqual([
      { moduleId: 'agent' },
      { moduleId: 'lens' },
      { moduleId: 'lock' },
    ]);
    expect(
      await items(
        hub,
        "SELECT moduleId FROM devices.modules WHERE devices.modules.tags.site = 'north' AND devices.deviceId = 'door'",
      ),
    ).toEqual([{ moduleId: 'lock' }]);
    expect(await items(hub, 'SELECT tags.site, COUNT() AS n FROM devices.modules GROUP BY tags.site')).toEqual([
      { site: 'north', n: 2 },
      { site: 'south', n: 1 },
    ]);
    expect(await items(hub, 'SELECT COUNT() AS n FROM devices')).toEqual([{ n: 4 }]);
    expect(await items(hub, "SELECT deviceId FROM devices WHERE moduleId = 'lens'")).toEqual([]);
  });

  it('finds what jobs did to devices', async () => {
    const hub = await aHub(FLEET);
    await hub.store.write(() => {
      const job = hub.store.sql(
        `INSERT INTO jobs (job_id, type, status, work, query_condition, max_execution_seconds, created_ms, start_ms)
         VALUES (?, 'scheduleDeviceMethod', 'running', '{}', '*', 60, 0, 0)`,
      );
      for (const id of ['j1', 'j2']) job.run(id);
      const insert = hub.store.sql(
        `INSERT INTO device_jobs (job_id, device_id, job_type, status, created_time, last_updated_time, outcome, error)
         VALUES (?, ?, 'scheduleDeviceMethod', ?, '2030-01-01T00:00:00.000Z', '2030-01-02T00:00:00.000Z', ?, ?)`,
      );
      insert.run('j1', 'cam1', 'completed', '{"deviceMethodResponse":{"status":200,"payload":{"a":1}}}', null);
      insert.run('j1', 'cam2', 'failed', null, '{"code":"DeviceNotOnline","description":"It sleeps."}');
      insert.run('j2', 'cam1', 'pending', null, null);
    });
    const all = await runQuery(hub, { query: 'SELECT * FROM devices.jobs', maxItemCount: 10 });
    expect(all.itemType).toBe('DeviceJob');
    expect(all.items[0]).toEqual({
      deviceId: 'cam1',
      jobId: 'j1',
      jobType: 'scheduleDeviceMethod',
      status: 'completed',
      startTimeUtc: '0001-01-01T00:00:00Z',
      endTimeUtc: '0001-01-01T00:00:00Z',
      createdDateTimeUtc: '2030-01-01T00:00:00.000Z',
      lastUpdatedDateTimeUtc: '2030-01-02T00:00:00.000Z',
      outcome: { deviceMethodResponse: { status: 200, payload: { a: 1 } } },
    });
    expect(all.items[1]).toMatchObject({ error: { code: 'DeviceNotOnline', description: 'It sleeps.' } });
    const found = async (condition: string, pageSize = 10) =>
      (await pages(hub, `SELECT * FROM devices.jobs WHERE ${condition}`, pageSize))
        .flat()
        .map(({ jobId, deviceId }) => [jobId, deviceId]);
    expect(await found("devices.jobs.deviceId = 'cam1'", 1)).toEqual([
      ['j1', 'cam1'],
      ['j2', 'cam1'],
    ]);
    expect(await found("jobId = 'j1' AND status = 'failed'")).toEqual([['j1', 'cam2']]);
    expect(
      await found("devices.jobs.jobType = 'scheduleDeviceMethod' AND devices.jobs.createdTimeUtc > '2031'"),
    ).toEqual([]);
    expect(await found('outcome.deviceMethodResponse.status = 200')).toEqual([['j1', 'cam1']]);
    expect(await found('is_defined(error)')).toEqual([['j1', 'cam2']]);
  });

  it('pages, and says on the last page that it is the last', async () => {
    const hub = await aHub(Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`d${index}`, {}])));
    const ids = async (query: string, size: number) =>
      (await pages(hub, query, size)).map((page) => page.map((item) => item.deviceId));
    expect(await ids('SELECT * FROM devices', 4)).toEqual([
      ['d0', 'd1', 'd2', 'd3'],
      ['d4', 'd5', 'd6', 'd7'],
      ['d8', 'd9'],
    ]);
    expect(await ids('SELECT * FROM devices', 5)).toHaveLength(2);
    expect(await ids('SELECT * FROM devices', 10)).toHaveLength(1);
    expect(await ids('SELECT TOP 5 * FROM devices', 4)).toEqual([['d0', 'd1', 'd2', 'd3'], ['d4']]);
    expect(await ids('SELECT TOP 4 * FROM devices', 4)).toHaveLength(1);
    expect(await ids("SELECT * FROM devices WHERE deviceId = 'no'", 4)).toEqual([[]]);
    expect(
      (await pages(hub, 'SELECT deviceId, COUNT() AS n FROM devices GROUP BY deviceId', 4)).map((page) => page.length),
    ).toEqual([4, 4, 2]);
    expect(
      (await pages(hub, 'SELECT TOP 7 deviceId, COUNT() AS n FROM devices GROUP BY deviceId', 4)).flat(),
    ).toHaveLength(7);
  });

  it('goes on after the last device of a page, whatever was added or removed meanwhile', async () => {
    const hub = await aHub({ b: {}, d: {}, f: {}, h: {} });
    const query = 'SELECT deviceId FROM devices';
    const first = await runQuery(hub, { query, maxItemCount: 2 });
    await hub.store.write(() => {
      hub.store.sql("DELETE FROM identities WHERE device_id = 'b'").run();
      hub.store
        .sql(
          "INSERT INTO identities (device_id, generation_id, etag, twin_etag) VALUES ('a', '', '', ''), ('e', '', '', '')",
        )
        .run();
    });
    const { items: second } = await runQuery(hub, { query, maxItemCount: 5, continuation: first.continuation ?? '' });
    expect(second).toEqual([{ deviceId: 'e' }, { deviceId: 'f' }, { deviceId: 'h' }]);
  });

  it('ends a page early rather than answering with many megabytes', async () => {
    const text = 'x'.repeat(30_000);
    const hub = await aHub(
      Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`d${1000 + index}`, { reported: { text } }])),
    );
    const found = await pages(hub, 'SELECT * FROM devices', 1000);
    expect(found.length).toBeGreaterThan(1);
    expect(new Set(found.flat().map((item) => item.deviceId)).size).toBe(200);
  });

  it('lets other work go on while it looks at many documents', async () => {
    const hub = await aHub(Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`d${index}`, {}])));
    let turns = 0;
    const count = () => {
      turns += 1;
      immediate = setImmediate(count);
    };
    let immediate = setImmediate(count);
    const request = { query: "SELECT * FROM devices WHERE tags.site = 'nowhere'", maxItemCount: 1 };
    const page = await runQuery(hub, request, { pace: { rows: 10, targetMs: 0 } });
    clearImmediate(immediate);
    expect(page.items).toEqual([]);
    // A slice of ten, and of one each when no time is left for more.
    expect(turns).toBeGreaterThanOrEqual(90);
  });

  it('looks no further when its caller has gone', async () => {
    const hub = await aHub(Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`d${index}`, {}])));
    const looked = jest.spyOn(hub.store.database, 'prepare');
    const caller = new AbortController();
    for (const query of ["SELECT * FROM devices WHERE tags.site = 'nowhere'", 'SELECT COUNT() AS n FROM devices']) {
      looked.mockClear();
      const options = { signal: caller.signal, pace: { rows: 1, targetMs: 0 } };
      const result = runQuery(hub, { query, maxItemCount: 1 }, options);
      caller.abort();
      await expect(result).rejects.toMatchObject({ name: 'AbortError' });
      expect(looked.mock.calls.filter(([sql]) => sql.includes('WHERE')).length).toBeLessThan(5);
    }
  });

  it('shows activity up to now', async () => {
    const hub = await aHub({ d: {} });
    hub.activity.note({ deviceId: 'd' }, Date.UTC(2026, 0, 2));
    expect(await items(hub, "SELECT * FROM devices WHERE lastActivityTime > '2026-01-01'")).toHaveLength(1);
  });

  it.each([
    ['SELECT deviceId FROM devices.jobs', 'ArgumentInvalid', 'at character 8: from devices.jobs, SELECT * is all'],
    ['SELECT COUNT() AS n FROM devices.jobs', 'ArgumentInvalid', 'from devices.jobs, SELECT * is all'],
    ['SELECT * FROM devices.jobs GROUP BY status', 'ArgumentInvalid', 'from devices.jobs, SELECT * is all'],
    ['SELECT * FROM devices.jobs WHERE tags.a = 1', 'ArgumentInvalid', 'at character 34: queries over devices.jobs'],
    [
      'SELECT * FROM devices.jobs WHERE devices.properties.reported.a = 1',
      'ArgumentInvalid',
      'cannot ask for properties of the twin',
    ],
    ['SELECT * FROM devices.modules.twins', 'ArgumentInvalid', 'there is no collection devices.modules.twins'],
    ['SELECT * FROM twins', 'ArgumentInvalid', 'there is no collection twins'],
    ['SELECT * FROM devices GROUP BY status', 'ArgumentInvalid', 'not *'],
    ['SELECT status, COUNT() FROM devices', 'ArgumentInvalid', 'at character 8: beside an aggregate'],
    ['SELECT deviceId, COUNT() FROM devices GROUP BY status', 'ArgumentInvalid', 'the attribute of GROUP BY alone'],
    ['SELECT tags.a, properties.reported.a FROM devices', 'ArgumentInvalid', 'two columns are called a'],
    ['SELECT COUNT() AS n FROM devices GROUP BY properties.reported', 'ArgumentInvalid', 'is no single value'],
    ['SELECT * FROM devices ORDER BY deviceId', 'ArgumentInvalid', 'has no ORDER BY'],
  ])('refuses %s', async (query, errorName, reason) => {
    const hub = await aHub({});
    const error = await refusal(items(hub, query));
    expect(error.errorName).toBe(errorName);
    expect(error.message).toContain(reason);
  });

  it('refuses page sizes and continuations that are not its own', async () => {
    const hub = await aHub(FLEET);
    const query = 'SELECT * FROM devices';
    const { continuation = '' } = await runQuery(hub, { query, maxItemCount: 1 });
    for (const maxItemCount of [0, -1, 1.5, Number.NaN]) {
      expect((await refusal(runQuery(hub, { query, maxItemCount }))).errorName).toBe('ArgumentInvalid');
    }
    for (const other of ['', 'x', 'e30', continuation.slice(1), Buffer.from('[1,2,3]').toString('base64url')]) {
      expect((await refusal(runQuery(hub, { query, maxItemCount: 1, continuation: other }))).message).toContain(
        'continuation',
      );
    }
    const otherQuery = "SELECT * FROM devices WHERE status = 'enabled'";
    await expect(runQuery(hub, { query: otherQuery, maxItemCount: 1, continuation })).rejects.toThrow(
      'does not belong to this query',
    );
  });
});

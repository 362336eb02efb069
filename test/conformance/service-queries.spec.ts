import type { Registry } from 'azure-iothub';
import { httpsCall } from '../support/https-call.js';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { serviceToken } from '../support/service-token.js';

type Query = ReturnType<Registry['createQuery']>;

describe('twin queries, through azure-iothub', () => {
  let hub: TestIotHub;
  let registry: Registry;

  beforeAll(async () => {
    hub = await startTestIotHub();
    ({ registry } = hub);
    const devices = Array.from({ length: 25 }, (_, index) => ({
      deviceId: `cam${String(index).padStart(2, '0')}`,
      tags: { site: index % 2 === 0 ? 'north' : 'south', number: index },
      ...(index < 5 && { properties: { desired: { rate: 60 } } }),
    }));
    await registry.addDevices(devices);
    await registry.updateTwin('cam03', { tags: { note: 'it\'s "quoted" \\ [0] ü' } }, '*');
  });
  afterAll(() => hub.close());

  async function all<T>(query: Query, next: () => Promise<{ result: T[] }>): Promise<T[][]> {
    const pages: T[][] = [];
    while (query.hasMoreResults) pages.push((await next()).result);
    return pages;
  }

  async function rows(sql: string, pageSize?: number): Promise<unknown[]> {
    const query = registry.createQuery(sql, pageSize);
    // Without the token the SDK asks for the first page for ever.
    return (
      await all<unknown>(query, () => query.next(query.continuationToken) as Promise<{ result: unknown[] }>)
    ).flat();
  }

  it('page through all twins by the SDK’s own loop', async () => {
    const query = registry.createQuery('SELECT * FROM devices', 10);
    const pages = await all(query, () => query.nextAsTwin());
    expect(pages.map((page) => page.length)).toEqual([10, 10, 5]);
    const [first] = pages.flat();
    expect(first).toMatchObject({ deviceId: 'cam00', tags: { site: 'north' }, etag: 'AAAAAAAAAAE=' });
    expect(new Set(pages.flat().map(({ deviceId }) => deviceId)).size).toBe(25);
  });

  it('end without a further page when the last one is full', async () => {
    const query = registry.createQuery('SELECT * FROM devices', 5);
    expect((await all(query, () => query.nextAsTwin())).map((page) => page.length)).toEqual([5, 5, 5, 5, 5]);
  });

  it('give twins that can be updated at once', async () => {
    const query = registry.createQuery("SELECT * FROM devices WHERE deviceId = 'cam07'");
    const [twin] = (await query.nextAsTwin()).result;
    await twin?.update({ tags: { seen: true } });
    expect(await rows('SELECT deviceId FROM devices WHERE tags.seen = true')).toEqual([{ deviceId: 'cam07' }]);
  });

  it.each<[string, unknown[]]>([
    ["SELECT deviceId FROM devices WHERE tags.number >= 23 AND tags.site = 'south'", [{ deviceId: 'cam23' }]],
    [
      'SELECT deviceId AS d, tags.number AS n FROM devices WHERE tags.number IN [1, 2]',
      [
        { d: 'cam01', n: 1 },
        { d: 'cam02', n: 2 },
      ],
    ],
    ['SELECT COUNT() AS n FROM devices WHERE is_defined(properties.desired.rate)', [{ n: 5 }]],
    [
      'SELECT tags.site AS site, COUNT() AS n FROM devices GROUP BY tags.site',
      [
        { site: 'north', n: 13 },
        { site: 'south', n: 12 },
      ],
    ],
    [
      "SELECT deviceId FROM devices WHERE STARTSWITH(deviceId, 'cam1') AND tags.number % 5 = 0",
      [{ deviceId: 'cam10' }, { deviceId: 'cam15' }],
    ],
    [
      String.raw`SELECT deviceId FROM devices WHERE tags.note = 'it\'s "quoted" \\ [0] \u00fc'`,
      [{ deviceId: 'cam03' }],
    ],
    ['SELECT TOP 2 DeviceID FROM devices', [{ deviceId: 'cam00' }, { deviceId: 'cam01' }]],
    ["SELECT * FROM devices WHERE deviceId = '\\' OR \\'\\' = \\''", []],
  ])('%s', async (sql, expected) => {
    expect(await rows(sql)).toEqual(expected);
  });

  it.each([
    'SELECT * FROM devices ORDER BY deviceId',
    "SELECT * FROM devices WHERE deviceId LIKE 'cam%'",
    'SELECT * FROM devices JOIN modules',
    "SELECT * FROM devices WHERE CONTAINS(deviceId, 'c')",
    'SELECT * FROM users',
    'SELECT COUNT() FROM devices.jobs',
    'SELECT tags.number + 1 AS n FROM devices',
    'SELECT * FROM devices; DELETE FROM devices',
    'SELECT',
  ])('refuse %j as an ArgumentError with place and reason', async (sql) => {
    const error = (await registry
      .createQuery(sql)
      .next()
      .then(
        () => undefined,
        (cause: unknown) => cause,
      )) as { name: string; responseBody: string };
    expect(error.name).toBe('ArgumentError');
    expect(error.responseBody).toMatch(/ErrorCode:ArgumentInvalid;The query is invalid at character \d+: /);
  });

  it('find module twins of all devices, and what jobs did', async () => {
    await registry.addModule({ deviceId: 'cam01', moduleId: 'lens' });
    await registry.addModule({ deviceId: 'cam09', moduleId: 'lens' });
    const { result } = await registry.createQuery("SELECT * FROM devices.modules WHERE moduleId = 'lens'").nextAsTwin();
    expect(result.map(({ deviceId, moduleId }) => [deviceId, moduleId])).toEqual([
      ['cam01', 'lens'],
      ['cam09', 'lens'],
    ]);
    expect(await rows('SELECT deviceId FROM devices.modules', 1)).toEqual([
      { deviceId: 'cam01' },
      { deviceId: 'cam09' },
    ]);
    const kind = async (collection: string) =>
      (await run({ query: `SELECT * FROM ${collection}` })).headers['x-ms-item-type'];
    expect(await kind('devices.modules')).toBe('Twin');
    expect(await kind('devices.jobs')).toBe('DeviceJob');
  });

  it('tell the kind of their rows, and continue with a header', async () => {
    const first = await run({ query: 'SELECT * FROM devices' }, { 'x-ms-max-item-count': '20' });
    expect(first.headers['x-ms-item-type']).toBe('Twin');
    const continuation = first.headers['x-ms-continuation'];
    const second = await run(
      { query: 'SELECT * FROM devices' },
      { 'x-ms-max-item-count': '20', 'x-ms-continuation': String(continuation) },
    );
    expect(JSON.parse(second.body)).toHaveLength(5);
    expect(second.headers).not.toHaveProperty('x-ms-continuation');
    expect((await run({ query: 'SELECT deviceId FROM devices' })).headers['x-ms-item-type']).toBe('Raw');
  });

  it.each<[string, unknown, Record<string, string>]>([
    ['no query', {}, {}],
    ['an empty query', { query: '' }, {}],
    ['a query that is a number', { query: 5 }, {}],
    ['a page size in words', { query: 'SELECT * FROM devices' }, { 'x-ms-max-item-count': 'all' }],
    ['a continuation of nobody', { query: 'SELECT * FROM devices' }, { 'x-ms-continuation': 'abc' }],
    ['a query of 9,000 characters', { query: `SELECT * FROM devices${' '.repeat(9000)}` }, {}],
  ])('refuse %s', async (_name, body, headers) => {
    const reply = await run(body, headers);
    expect(reply.status).toBe(400);
    expect(reply.headers['iothub-errorcode']).toBe('ArgumentInvalid');
  });

  // "The service may use a different value if the value specified is not acceptable."
  it.each(['0', '-1'])("answer a page size of %s with one of the hub's own", async (size) => {
    const reply = await run({ query: 'SELECT deviceId FROM devices' }, { 'x-ms-max-item-count': size });
    expect(reply.status).toBe(200);
    expect((JSON.parse(reply.body) as unknown[]).length).toBeGreaterThan(1);
  });

  const run = (body: unknown, headers: Record<string, string> = {}) =>
    httpsCall(hub.agent, {
      method: 'POST',
      path: '/devices/query?api-version=2021-04-12',
      headers: { authorization: serviceToken(hub), 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
});

import { CosmosClient } from '@azure/cosmos';
import request from 'supertest';
import { CosmosContainer, TELEMETRY_CONTAINER } from '#libs/cosmos';
import { trustCertificateAuthority } from '#libs/runtime';
import { type RunningApi, startApi } from '../support/api.js';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { startTestCosmos, type TestCosmos } from '../support/local-cosmos.js';
import { aRoutedDocument } from '../support/routed-document.js';

const DATABASE = 'spyglass';
const CONTAINER = 'telemetry';
/** So that tests in the past are found. */
const ALL_2025 = { from: '2025-01-01', to: '2025-12-31' };

interface Item {
  readonly id: string;
  readonly [field: string]: unknown;
}

describe('The API with telemetry in Cosmos DB', () => {
  let hub: TestIotHub;
  let cosmos: TestCosmos;
  let container: CosmosContainer;
  let api: RunningApi;

  beforeAll(async () => {
    [hub, cosmos] = await Promise.all([startTestIotHub(), startTestCosmos()]);
    trustCertificateAuthority(hub.emulator.tls.caFile);
    await hub.addDevice('device001');
    container = containerOf(cosmos.connectionString);
    await container.probe();
    api = await startApi({
      IOT_HUB_CONNECTION_STRING: hub.emulator.serviceConnectionString,
      IOT_HUB_DEVICE_ID: 'device001',
      COSMOS_CONNECTION_STRING: cosmos.connectionString,
    });
  });

  afterAll(async () => {
    await api.close();
    await Promise.all([hub.close(), cosmos.close()]);
  });

  const list = (query: object) =>
    request(api.url)
      .get('/telemetry')
      .query({ ...ALL_2025, ...query });

  /** Every page, one after the other. */
  const listAll = async (query: object, betweenPages: () => Promise<void> = () => Promise.resolve()) => {
    const pages: string[][] = [];
    let token: string | null = null;
    do {
      const { body } = await list({ ...query, ...(token !== null && { continuation_token: token }) }).expect(200);
      const page = body as { items: Item[]; continuation_token: string | null };
      pages.push(page.items.map(({ id }) => id));
      token = page.continuation_token;
      await betweenPages();
    } while (token !== null);
    return pages;
  };

  describe('GET /telemetry', () => {
    it('shows a message with its properties', async () => {
      await container.upsertAll([
        aRoutedDocument({ id: 'm1', enqueuedTime: '2025-03-05T06:07:08.9100000Z', deviceId: 'one' }),
      ]);
      const { body } = await list({ device_id: 'one' }).expect(200);
      expect(body).toEqual({
        items: [
          {
            id: 'm1',
            device_id: 'one',
            kind: 'telemetry',
            enqueued_time: '2025-03-05T06:07:08.9100000Z',
            source: 'Telemetry',
            properties: { kind: 'telemetry' },
            body: { cpu_percent: 12.5 },
            body_format: 'json',
            body_was_base64: false,
          },
        ],
        continuation_token: null,
      });
    });

    it('lists the newest first across the ends of months and the year', async () => {
      const times = [
        '2024-12-31T23:59:59.9990000Z',
        '2025-01-01T00:00:00.0000000Z',
        '2025-01-31T23:59:59.9999999Z',
        '2025-02-01T00:00:00Z',
        '2025-05-17T12:00:00Z',
      ];
      await container.upsertAll(
        times.map((enqueuedTime, index) => aRoutedDocument({ id: `t${index}`, enqueuedTime, deviceId: 'months' })),
      );
      const window = { device_id: 'months', from: '2024-12-01', to: '2025-12-01T00:00:00Z' };
      expect(await listAll({ ...window, limit: 2 })).toEqual([['t4', 't3'], ['t2', 't1'], ['t0']]);
      expect(await listAll({ ...window, limit: 5 })).toEqual([['t4', 't3', 't2', 't1', 't0']]);
    });

    it('takes from as the first moment and to as the first no more', async () => {
      const times = ['2025-01-31T23:59:59.9990000Z', '2025-02-01T00:00:00.0000000Z', '2025-02-01T00:00:00.5000000Z'];
      await container.upsertAll(
        times.map((enqueuedTime, index) => aRoutedDocument({ id: `b${index}`, enqueuedTime, deviceId: 'bounds' })),
      );
      const idsOf = async (query: object) => (await listAll({ device_id: 'bounds', ...query })).flat();
      expect(await idsOf({ from: '2025-02-01' })).toEqual(['b2', 'b1']);
      expect(await idsOf({ to: '2025-02-01T00:00:00Z' })).toEqual(['b0']);
      expect(await idsOf({ from: '2025-02-01T00:00:00.500Z' })).toEqual(['b2']);
      expect(await idsOf({ to: '2025-02-01T00:00:00.5Z', from: '2025-02-01T01:00:00+01:00' })).toEqual(['b1']);
    });

    it('looks 30 days back when no from is given', async () => {
      const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString();
      await container.upsertAll(
        [1, 29, 31].map((days) => aRoutedDocument({ id: `d${days}`, enqueuedTime: daysAgo(days), deviceId: 'recent' })),
      );
      const { body } = await request(api.url).get('/telemetry').query({ device_id: 'recent' }).expect(200);
      expect((body as { items: Item[] }).items.map(({ id }) => id)).toEqual(['d1', 'd29']);
    });

    it('gives messages of the same moment once each, whatever the size of the page', async () => {
      const ids = Array.from({ length: 11 }, (_, index) => `tie${String(index).padStart(2, '0')}`);
      await container.upsertAll(
        ids.map((id) => aRoutedDocument({ id, enqueuedTime: '2025-06-01T00:00:00.0000000Z', deviceId: 'ties' })),
      );
      for (const limit of [1, 3, 10, 11, 12])
        expect((await listAll({ device_id: 'ties', limit })).flat()).toEqual(ids.toReversed());
    });

    it('neither repeats nor skips while newer messages arrive', async () => {
      const message = (index: number) =>
        aRoutedDocument({
          id: `p${index}`,
          enqueuedTime: new Date(Date.UTC(2025, 6, 1, 0, 0, index)).toISOString(),
          deviceId: 'paging',
        });
      await container.upsertAll(Array.from({ length: 9 }, (_, index) => message(index)));
      let next = 9;
      const pages = await listAll({ device_id: 'paging', limit: 4 }, () => container.upsertAll([message(next++)]));
      expect(pages).toEqual([['p8', 'p7', 'p6', 'p5'], ['p4', 'p3', 'p2', 'p1'], ['p0']]);
    });

    it('tells samples from captures', async () => {
      const kinds = ['telemetry', 'capture', 'other'];
      await container.upsertAll(
        kinds.map((kind, index) =>
          aRoutedDocument({
            id: kind,
            enqueuedTime: `2025-03-0${index + 1}T00:00:00Z`,
            deviceId: 'kinds',
            properties: { kind },
          }),
        ),
      );
      expect(await listAll({ device_id: 'kinds' })).toEqual([['other', 'capture', 'telemetry']]);
      expect(await listAll({ device_id: 'kinds', kind: 'capture' })).toEqual([['capture']]);
      expect(await listAll({ device_id: 'kinds', kind: 'telemetry' })).toEqual([['telemetry']]);
    });

    it.each([
      { what: 'JSON', bytes: '{"a":[1]}', body: { a: [1] }, format: 'json' },
      { what: 'text', bytes: 'warm, 23 °C', body: 'warm, 23 °C', format: 'text' },
      { what: 'nothing', bytes: '', body: '', format: 'text' },
    ])('decodes a body of $what that the hub has stored as base64, and says so', async ({ bytes, body, format }) => {
      await container.upsertAll([
        aRoutedDocument({
          id: 'b',
          enqueuedTime: '2025-03-01T00:00:00Z',
          deviceId: 'base64',
          contentType: '',
          body: Buffer.from(bytes).toString('base64'),
        }),
      ]);
      const answer = await list({ device_id: 'base64' }).expect(200);
      expect((answer.body as { items: Item[] }).items).toMatchObject([
        { body, body_format: format, body_was_base64: true },
      ]);
    });

    it('means the default device when none is named, and no other', async () => {
      await container.upsertAll([
        aRoutedDocument({ id: 'mine', enqueuedTime: '2025-03-01T00:00:00Z' }),
        aRoutedDocument({ id: 'theirs', enqueuedTime: '2025-03-01T00:00:00Z', deviceId: 'device0010' }),
      ]);
      expect(await listAll({})).toEqual([['mine']]);
      expect(await listAll({ device_id: 'nobody' })).toEqual([[]]);
    });

    it.each(["x' OR '1'='1", 'x" OR true --', '{"a":1}', 'one\\', '../device001'])(
      'refuses the device id %j',
      async (device_id) => {
        const { body } = await list({ device_id }).expect(400);
        expect(body).toMatchObject({ code: 'REQUEST.INVALID' });
      },
    );

    it("finds nothing by an id that reads like a query's text", async () => {
      for (const device_id of ["'or'1'='1", '@partition', 'c.partitionKey', '$', "one'),(c.id!='"])
        expect(await listAll({ device_id })).toEqual([[]]);
    });

    it.each([
      { continuation_token: 'x' },
      { continuation_token: Buffer.from('["2025-01-01T00:00:00Z"]').toString('base64url') },
      { continuation_token: Buffer.from('["2025-13-01T00:00:00Z","a"]').toString('base64url') },
      { continuation_token: Buffer.from('["1 OR 1=1","a"]').toString('base64url') },
      { continuation_token: Buffer.from('{"0":"a"}').toString('base64url') },
      { from: 'yesterday' },
      { from: '2025-02-30' },
      { from: '2025-01-01T00:00:00' },
      { from: '2023-01-01' },
      { from: '2025-02-01', to: '2025-02-01T00:00:00Z' },
      { to: '' },
      { limit: 0 },
      { limit: 201 },
      { limit: 'all' },
      { kind: 'x' },
      { device_id: '' },
      { unknown: 1 },
    ])('refuses %j', async (query) => {
      const { body } = await list(query).expect(400);
      expect(body).toMatchObject({
        code: 'REQUEST.INVALID',
        details: { problems: expect.arrayContaining([expect.any(String)]) },
      });
    });

    it('passes over months without messages', async () => {
      await container.upsertAll([
        aRoutedDocument({ id: 'old', enqueuedTime: '2025-01-02T00:00:00Z', deviceId: 'gaps' }),
      ]);
      expect(await listAll({ device_id: 'gaps', limit: 1 })).toEqual([['old']]);
    });
  });

  describe('GET /telemetry/latest', () => {
    it('lists every registered device once, with its newest message', async () => {
      const yesterday = new Date(Date.now() - 86_400_000).toISOString();
      await Promise.all(['latest-a', 'latest-b', 'latest-silent'].map((device) => hub.addDevice(device)));
      await container.upsertAll([
        aRoutedDocument({ id: 'a1', enqueuedTime: yesterday, deviceId: 'latest-a' }),
        aRoutedDocument({
          id: 'a2',
          enqueuedTime: new Date().toISOString(),
          deviceId: 'latest-a',
          properties: { kind: 'capture' },
        }),
        aRoutedDocument({ id: 'b1', enqueuedTime: yesterday, deviceId: 'latest-b' }),
        aRoutedDocument({ id: 'gone', enqueuedTime: yesterday, deviceId: 'unregistered' }),
      ]);
      const found: Record<string, string | null> = {};
      let token: string | null = null;
      let pages = 0;
      do {
        const { body } = await request(api.url)
          .get('/telemetry/latest')
          .query({ limit: 2, ...(token !== null && { continuation_token: token }) })
          .expect(200);
        const page = body as {
          items: { device_id: string; connection_state: string; latest: Item | null }[];
          continuation_token: string | null;
        };
        for (const { device_id, latest, connection_state } of page.items) {
          expect(connection_state).toBe('Disconnected');
          expect(Object.keys(found)).not.toContain(device_id);
          found[device_id] = latest?.id ?? null;
        }
        token = page.continuation_token;
        pages++;
      } while (token !== null);
      expect(pages).toBe(2);
      expect(found).toEqual({ device001: null, 'latest-a': 'a2', 'latest-b': 'b1', 'latest-silent': null });
    });

    it('can look for samples alone', async () => {
      const { body } = await request(api.url).get('/telemetry/latest').query({ kind: 'telemetry' }).expect(200);
      const { items } = body as { items: { device_id: string; latest: Item | null }[] };
      expect(items.find(({ device_id }) => device_id === 'latest-a')?.latest?.id).toBe('a1');
    });
  });

  describe('without a healthy Cosmos DB', () => {
    const settings = () => ({
      IOT_HUB_CONNECTION_STRING: hub.emulator.serviceConnectionString,
      IOT_HUB_DEVICE_ID: 'x',
    });
    const cosmosCheck = async (url: string) => {
      const { body } = await request(url).get('/health/ready');
      const { checks } = body as { checks: { name: string; healthy: boolean; required: boolean }[] };
      return checks.find(({ name }) => name === 'cosmos');
    };

    it.each([
      {
        what: 'refuses the key',
        cosmos: (url: string) => ({ COSMOS_ENDPOINT: url, COSMOS_KEY: Buffer.from('other').toString('base64') }),
        status: 502,
        code: 'COSMOS.ACCESS_DENIED',
      },
      {
        what: 'is not there',
        cosmos: () => ({ COSMOS_ENDPOINT: 'https://127.0.0.1:1/', COSMOS_KEY: 'a2V5' }),
        status: 502,
        code: 'COSMOS.UNREACHABLE',
      },
    ])('says that it $what', async ({ cosmos: given, status, code }) => {
      const other = await startApi({ ...settings(), ...given(cosmos.url) });
      try {
        const { body } = await request(other.url).get('/telemetry').expect(status);
        expect(body).toMatchObject({ code });
        expect(await cosmosCheck(other.url)).toMatchObject({ healthy: false, required: true });
      } finally {
        await other.close();
      }
    });

    it('works without one, save for telemetry', async () => {
      const other = await startApi(settings());
      try {
        const { body } = await request(other.url).get('/telemetry').expect(503);
        expect(body).toMatchObject({ code: 'COSMOS.NOT_CONFIGURED' });
        expect(await cosmosCheck(other.url)).toMatchObject({ healthy: true });
      } finally {
        await other.close();
      }
    });

    it('is ready with a healthy one', async () => {
      expect(await cosmosCheck(api.url)).toEqual({
        name: 'cosmos',
        required: true,
        healthy: true,
        reason: 'Cosmos DB answers.',
      });
    });

    it('makes the container anew when it was deleted', async () => {
      const other = await startApi({
        ...settings(),
        COSMOS_DATABASE_NAME: 'fresh',
        COSMOS_CONTAINER_NAME: 'messages',
        COSMOS_CONNECTION_STRING: cosmos.connectionString,
      });
      const sdk = new CosmosClient(cosmos.connectionString);
      try {
        await request(other.url).get('/telemetry').expect(200);
        const { resource } = await sdk.database('fresh').container('messages').read();
        expect(resource).toMatchObject({ partitionKey: { paths: ['/partitionKey'] }, defaultTtl: 30 * 86_400 });
        await sdk.database('fresh').delete();
        const { body } = await request(other.url).get('/telemetry').expect(502);
        expect(body).toMatchObject({ code: 'COSMOS.CONTAINER_NOT_FOUND' });
        await request(other.url).get('/telemetry').expect(200);
      } finally {
        sdk.dispose();
        await other.close();
      }
    });
  });
});

function containerOf(connectionString: string, databaseName = DATABASE, containerName = CONTAINER): CosmosContainer {
  return new CosmosContainer({
    credentials: { kind: 'connection-string', connectionString },
    databaseName,
    containerName,
    definition: TELEMETRY_CONTAINER,
  });
}

import { once } from 'node:events';
import { Agent } from 'node:https';
import { readFileSync, statSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { type Container, CosmosClient } from '@azure/cosmos';
import { startLocalCosmos } from '../../apps/local-cosmos/src/index.js';
import { httpsCall } from '../support/https-call.js';
import { startTestCosmos, type TestCosmos } from '../support/local-cosmos.js';

const DAY_MS = 86_400_000;
const NO_RETRY = { maxRetryAttemptCount: 0, fixedRetryIntervalInMilliseconds: 0, maxWaitTimeInSeconds: 0 };

function clientFor({ connectionString }: { connectionString: string }): CosmosClient {
  return new CosmosClient({ connectionString, connectionPolicy: { retryOptions: NO_RETRY } });
}

/** A container with a partition key `pk`, and an index to sort by `at` and `id`. */
async function aContainer(client: CosmosClient, id: string, more: object = {}): Promise<Container> {
  const { database } = await client.databases.createIfNotExists({ id: 'tests' });
  const { container } = await database.containers.createIfNotExists({
    id,
    partitionKey: { paths: ['/pk'] },
    indexingPolicy: {
      compositeIndexes: [
        [
          { path: '/system/"at-time"', order: 'descending' },
          { path: '/id', order: 'descending' },
        ],
      ],
    },
    ...more,
  });
  return container;
}

describe('The local Cosmos DB', () => {
  let server: TestCosmos;
  let client: CosmosClient;

  beforeAll(async () => {
    server = await startTestCosmos();
    client = clientFor(server);
  });

  afterAll(async () => {
    client.dispose();
    await server.close();
  });

  describe('documents', () => {
    let container: Container;
    beforeAll(async () => {
      container = await aContainer(client, 'documents');
    });

    it('creates, reads, replaces, patches and deletes', async () => {
      const item = container.item('a', 'p');
      expect((await container.items.create({ id: 'a', pk: 'p', n: 1 })).statusCode).toBe(201);
      expect((await item.read()).resource).toMatchObject({ id: 'a', pk: 'p', n: 1 });
      expect((await item.replace({ id: 'a', pk: 'p', n: 2 })).resource).toMatchObject({ n: 2 });
      expect((await item.patch([{ op: 'incr', path: '/n', value: 3 }])).resource).toMatchObject({ n: 5 });
      expect((await container.items.upsert({ id: 'a', pk: 'p', n: 6 })).statusCode).toBe(200);
      expect((await item.delete()).statusCode).toBe(204);
      expect((await item.read()).statusCode).toBe(404);
      await expect(item.delete()).rejects.toMatchObject({ code: 404 });
    });

    it('keeps documents of the same id apart by partition', async () => {
      await container.items.create({ id: 'same', pk: 'one', n: 1 });
      await container.items.create({ id: 'same', pk: 'two', n: 2 });
      await expect(container.items.create({ id: 'same', pk: 'two' })).rejects.toMatchObject({ code: 409 });
      expect((await container.item('same', 'two').read()).resource).toMatchObject({ n: 2 });
      expect((await container.item('same', 'three').read()).statusCode).toBe(404);
      const { resources } = await container.items
        .query("SELECT * FROM c WHERE c.id = 'same'", { partitionKey: 'one' })
        .fetchAll();
      expect(resources).toMatchObject([{ pk: 'one' }]);
    });

    it('changes only what the condition names', async () => {
      const { resource } = await container.items.create({ id: 'etag', pk: 'p' });
      const accessCondition = { type: 'IfMatch', condition: resource?._etag ?? '' };
      const item = container.item('etag', 'p');
      await item.replace({ id: 'etag', pk: 'p', n: 1 }, { accessCondition });
      await expect(item.replace({ id: 'etag', pk: 'p', n: 2 }, { accessCondition })).rejects.toMatchObject({
        code: 412,
      });
      await expect(item.delete({ accessCondition })).rejects.toMatchObject({ code: 412 });
      const { etag } = await item.read();
      expect((await item.read({ accessCondition: { type: 'IfNoneMatch', condition: etag } })).statusCode).toBe(304);
    });

    it.each([
      ['another id than the address', () => container.item('etag', 'p').replace({ id: 'same', pk: 'p' }), 400],
      ['another partition than the header', () => container.item('etag', 'p').replace({ id: 'etag', pk: 'q' }), 400],
      ['an id of 256 characters', () => container.items.create({ id: 'x'.repeat(256), pk: 'p' }), 400],
      ['an object for a partition key', () => container.items.create({ id: 'o', pk: { a: 1 } }), 400],
      ['3 MiB', () => container.items.create({ id: 'big', pk: 'p', text: 'x'.repeat(3 * 1024 * 1024) }), 413],
      ['5 MiB', () => container.items.create({ id: 'big', pk: 'p', text: 'x'.repeat(5 * 1024 * 1024) }), 413],
      ['a patch of the id', () => container.item('etag', 'p').patch([{ op: 'set', path: '/id', value: 'same' }]), 400],
      [
        'a patch of what is not there',
        () => container.item('etag', 'p').patch([{ op: 'remove', path: '/nothing' }]),
        400,
      ],
    ])('refuses %s', async (_what, act, code) => {
      await expect(act()).rejects.toMatchObject({ code });
    });

    it('runs bulks, each operation with its own end', async () => {
      const results = await container.items.executeBulkOperations([
        { operationType: 'Create', partitionKey: 'b', resourceBody: { id: 'x', pk: 'b' } },
        { operationType: 'Create', partitionKey: 'b', resourceBody: { id: 'x', pk: 'b' } },
        { operationType: 'Upsert', partitionKey: 'b', resourceBody: { id: 'y', pk: 'other' } },
        { operationType: 'Read', partitionKey: 'b', id: 'nobody' },
        { operationType: 'Replace', partitionKey: 'b', id: 'x', resourceBody: { id: 'x', pk: 'b', n: 1 } },
        { operationType: 'Delete', partitionKey: 'b', id: 'x' },
      ]);
      expect(results.map(({ response, error }) => response?.statusCode ?? error?.code)).toEqual([
        201, 409, 400, 404, 200, 204,
      ]);
    });

    it('leaves the rest of a bulk alone when it shall not go on after a failure', async () => {
      const create = (id: string) => ({
        operationType: 'Create' as const,
        partitionKey: 'stop',
        resourceBody: { id, pk: 'stop' },
      });
      // eslint-disable-next-line @typescript-eslint/no-deprecated -- its successor has no such option
      const results = await container.items.bulk([create('1'), create('1'), create('2')], { continueOnError: false });
      expect(results.map(({ statusCode }) => statusCode)).toEqual([201, 409, 424]);
      expect((await container.item('2', 'stop').read()).statusCode).toBe(404);
    });
  });

  describe('queries', () => {
    let container: Container;
    const ids = async (query: string, options: object = {}) =>
      (await container.items.query<{ id: string }>(query, options).fetchAll()).resources.map(({ id }) => id);

    beforeAll(async () => {
      container = await aContainer(client, 'queries');
      for (const [id, pk, at, n] of [
        ['a', 'p', '2025-01', 1],
        ['b', 'p', '2025-02', 2],
        ['c', 'p', '2025-02', 3],
        ['d', 'q', '2025-03', 4],
      ])
        await container.items.create({ id: String(id), pk, n, system: { 'at-time': at } });
    });

    it('stay in their partition, also without a condition on it', async () => {
      expect(await ids('SELECT * FROM c', { partitionKey: 'q' })).toEqual(['d']);
      expect(await ids('SELECT * FROM c')).toHaveLength(4);
      const count = container.items.query<number>('SELECT VALUE COUNT(1) FROM c', { partitionKey: 'p' });
      expect((await count.fetchAll()).resources).toEqual([3]);
    });

    it('sort by several properties where an index says so', async () => {
      const sorted = 'SELECT * FROM c ORDER BY c.system["at-time"] DESC, c.id DESC';
      expect(await ids(sorted, { partitionKey: 'p' })).toEqual(['c', 'b', 'a']);
      await expect(ids('SELECT * FROM c ORDER BY c.n DESC, c.id DESC')).rejects.toMatchObject({ code: 400 });
    });

    it('give pages, and take values as parameters', async () => {
      const spec = {
        query: 'SELECT * FROM c WHERE c.n <= @n ORDER BY c.n DESC',
        parameters: [{ name: '@n', value: 3 }],
      };
      const pages = container.items.query<{ id: string }>(spec, { partitionKey: 'p', maxItemCount: 2 });
      const found: string[][] = [];
      while (pages.hasMoreResults()) found.push((await pages.fetchNext()).resources.map(({ id }) => id));
      expect(found).toEqual([['c', 'b'], ['a']]);
      const evil = { query: 'SELECT * FROM c WHERE c.id = @id', parameters: [{ name: '@id', value: "a' OR true" }] };
      expect((await container.items.query(evil).fetchAll()).resources).toEqual([]);
    });

    it.each([
      'SELECT c.pk, COUNT(1) AS k FROM c GROUP BY c.pk',
      'SELECT * FROM c OFFSET 1 LIMIT 1',
      'SELECT DISTINCT c.pk FROM c',
      "SELECT * FROM c WHERE c.id LIKE 'a%'",
      'SELECT c.pk, COUNT(1) AS k FROM c',
      'SELECT udf.toString(1) AS s FROM c',
      'SELECT udf.constructor(1) AS s FROM c',
      'SELECT * FROM c WHERE GetCurrentDateTime() > 1',
      'DROP TABLE c',
    ])('refuse %s', async (query) => {
      await expect(container.items.query(query).fetchAll()).rejects.toMatchObject({ code: 400 });
    });

    it('refuse a continuation of their own making', async () => {
      const options = { continuationToken: 'x', maxItemCount: 1 };
      await expect(container.items.query('SELECT * FROM c', options).fetchNext()).rejects.toMatchObject({ code: 400 });
    });
  });

  describe('what it does not do', () => {
    let container: Container;
    beforeAll(async () => {
      container = await aContainer(client, 'refusals');
      await container.items.create({ id: 'kept', pk: 'p' });
    });

    it.each([
      [
        'hierarchical partition keys',
        () => client.database('tests').containers.create({ id: 'h', partitionKey: { paths: ['/a', '/b'] } }),
      ],
      [
        'unique keys',
        () =>
          client
            .database('tests')
            .containers.create({ id: 'u', partitionKey: '/a', uniqueKeyPolicy: { uniqueKeys: [{ paths: ['/b'] }] } }),
      ],
      ['changes to a container', () => container.replace({ id: 'refusals', partitionKey: { paths: ['/pk'] } })],
      [
        'user-defined functions',
        () => container.scripts.userDefinedFunctions.create({ id: 'f', body: 'function () {}' }),
      ],
      ['stored procedures', () => container.scripts.storedProcedures.create({ id: 'f', body: 'function () {}' })],
      ['throughput', () => container.readOffer()],
      [
        'conditions of patches',
        () =>
          container
            .item('kept', 'p')
            .patch({ condition: 'from c where c.n = 1', operations: [{ op: 'set', path: '/n', value: 1 }] }),
      ],
    ])('refuses %s by name', async (what, act) => {
      await expect(act()).rejects.toMatchObject({ code: 501, body: { code: 'NotImplemented' } });
      await expect(act()).rejects.toThrow(what === 'throughput' ? 'offers' : 'does not implement');
    });

    it('refuses transactional batches whole', async () => {
      const batch = container.items.batch([{ operationType: 'Create', resourceBody: { id: 'batched', pk: 'p' } }], 'p');
      await expect(batch).rejects.toThrow('does not implement transactional batches');
      expect((await container.item('batched', 'p').read()).statusCode).toBe(404);
    });

    it('refuses change feeds', async () => {
      const feed = container.items.getChangeFeedIterator();
      await expect(feed.readNext()).rejects.toMatchObject({ code: 501 });
    });

    it.each([
      ['database', () => client.database('nothing').container('x').items.create({ id: 'a' })],
      ['container', () => client.database('tests').container('nothing').items.create({ id: 'a' })],
      ['container', () => client.database('tests').container('nothing').items.query('SELECT * FROM c').fetchAll()],
    ])('says that there is no such %s', async (what, act) => {
      await expect(act()).rejects.toMatchObject({ code: 404 });
      await expect(act()).rejects.toThrow(`There is no such ${what}`);
    });
  });

  describe('callers', () => {
    let agent: Agent;
    beforeAll(() => {
      const { hostname, port } = new URL(server.url);
      agent = new Agent({
        host: hostname,
        port: Number(port),
        servername: 'localhost',
        ca: readFileSync(server.certFile),
        keepAlive: true,
      });
    });
    afterAll(() => {
      agent.destroy();
    });

    it('refuses another account key', async () => {
      const key = Buffer.from('some other key').toString('base64');
      const other = new CosmosClient({ endpoint: server.url, key, connectionPolicy: { retryOptions: NO_RETRY } });
      await expect(other.getDatabaseAccount()).rejects.toMatchObject({ code: 401 });
      other.dispose();
    });

    it.each([
      [{ host: 'evil.example' }, 421],
      [{ host: 'localhost.evil.example:8081' }, 421],
      [{ host: 'localhost', origin: 'https://evil.example' }, 403],
      [{ host: 'localhost', origin: 'null' }, 403],
      [{ host: 'localhost', 'sec-fetch-site': 'cross-site' }, 403],
      [{ host: 'localhost' }, 401],
      [{ host: 'localhost', authorization: '%' }, 401],
      [{ host: 'localhost', authorization: 'type%3Daad%26ver%3D1.0%26sig%3Dx' }, 401],
    ])('answers %j with %i', async (headers, status) => {
      const reply = await httpsCall(agent, { method: 'GET', path: '/dbs', headers });
      expect(reply.status).toBe(status);
      expect(reply.headers['access-control-allow-origin']).toBeUndefined();
    });

    it('names itself as the caller names it', async () => {
      const { port } = new URL(server.url);
      const byName = clientFor({ connectionString: server.connectionString.replace('127.0.0.1', 'localhost') });
      expect(await byName.getWriteEndpoint()).toBe(`https://localhost:${port}/`);
      byName.dispose();
    });
  });
});

describe('The folder of the local Cosmos DB', () => {
  it('gives everything back after a restart as it was', async () => {
    const first = await startTestCosmos();
    const before = clientFor(first);
    const container = await aContainer(before, 'kept', { defaultTtl: 3600 });
    await aContainer(before, 'emptied');
    await before.database('tests').container('emptied').delete();
    await container.items.create({ id: 'gone', pk: 'p' });
    await container.item('gone', 'p').delete();
    const text = 'ä €\u2028 🎥';
    const { resource } = await container.items.create({ id: 'a', pk: 7, text, list: [1, null] });
    before.dispose();

    const second = await first.restart();
    const after = clientFor(second);
    try {
      const { resources: containers } = await after.database('tests').containers.readAll().fetchAll();
      expect(containers).toMatchObject([{ id: 'kept', defaultTtl: 3600, partitionKey: { paths: ['/pk'] } }]);
      const kept = after.database('tests').container('kept');
      const { resources } = await kept.items.readAll().fetchAll();
      expect(resources).toMatchObject([
        { id: 'a', pk: 7, text, list: [1, null], _etag: resource?._etag, _ts: resource?._ts },
      ]);
      await kept.items.create({ id: 'b', pk: 7 });
      expect((await kept.items.readAll().fetchAll()).resources).toHaveLength(2);
    } finally {
      after.dispose();
      await second.close();
    }
  });

  it('belongs to one process at a time, and to its user alone', async () => {
    const server = await startTestCosmos();
    const { certFile, keyFile, dataDirectory } = server;
    expect(statSync(dataDirectory).mode & 0o077).toBe(0);
    await expect(startLocalCosmos({ certFile, keyFile, dataDirectory })).rejects.toMatchObject({
      code: 'LOCAL_COSMOS.DATA_UNREADABLE',
      message: expect.stringContaining('is in use') as unknown,
    });
    await server.close();
  });

  it('keeps the newest documents up to the limit, and none beyond their age', async () => {
    let nowMs = Date.now();
    const server = await startTestCosmos({ maxDocuments: 3, maxAgeMs: 7 * DAY_MS, now: () => nowMs });
    const client = clientFor(server);
    const container = await aContainer(client, 'limited');
    const brief = await aContainer(client, 'brief', { defaultTtl: 3600 });
    const idsOf = async (of: Container) =>
      (await of.items.query<{ id: string }>('SELECT * FROM c').fetchAll()).resources.map(({ id }) => id).sort();
    try {
      await brief.items.create({ id: 'x', pk: 'p' });
      for (const id of ['a', 'b', 'c']) await container.items.create({ id, pk: 'p' });
      await container.items.upsert({ id: 'a', pk: 'p', again: true });
      await container.items.create({ id: 'd', pk: 'p' });
      expect(await idsOf(container)).toEqual(['a', 'c', 'd']);
      nowMs += 2 * 3_600_000;
      expect(await idsOf(brief)).toEqual([]);
      expect(await idsOf(container)).toEqual(['a', 'c', 'd']);
      nowMs += 7 * DAY_MS;
      expect(await idsOf(container)).toEqual([]);
    } finally {
      client.dispose();
      await server.close();
    }
  });

  it('says that it cannot read its certificate', async () => {
    const missing = { certFile: 'none.pem', keyFile: 'none.pem', dataDirectory: 'never-made' };
    await expect(startLocalCosmos(missing)).rejects.toMatchObject({ code: 'LOCAL_COSMOS.TLS_UNREADABLE' });
  });

  it('says whose port it wanted', async () => {
    const server = await startTestCosmos();
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    await expect(startTestCosmos({ port })).rejects.toMatchObject({ code: 'LOCAL_COSMOS.PORT_BUSY' });
    other.close();
    await server.close();
  });
});

import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { CosmosContainer, createTelemetryContainer, TELEMETRY_CONTAINER, telemetryPartition } from '#libs/cosmos';
import { startTestCosmos, type TestCosmos } from '../support/local-cosmos.js';
import { aRoutedDocument } from '../support/routed-document.js';

const NAMES = { databaseName: 'spyglass', containerName: 'telemetry' };
const PARTITION = telemetryPartition('device001', { year: 2025, month: 1 });

describe(CosmosContainer.name, () => {
  let cosmos: TestCosmos;
  let container: CosmosContainer;

  beforeAll(async () => {
    cosmos = await startTestCosmos();
    await createTelemetryContainer(cosmos.connectionString, NAMES);
    await createTelemetryContainer(cosmos.connectionString, NAMES);
    container = containerOf(cosmos.connectionString);
  });

  afterAll(() => cosmos.close());

  const january = (ids: readonly string[]) =>
    ids.map((id) => aRoutedDocument({ id, enqueuedTime: '2025-01-31T23:59:59.9990000Z' }));
  const list = (limit: number) =>
    container.query<{ id: string }>(
      { text: 'SELECT * FROM c WHERE c.id >= @first ORDER BY c.id', parameters: { '@first': 'm' } },
      { partitionKey: PARTITION, limit },
    );

  it('stores many documents at once, in place of those that are there', async () => {
    const ids = Array.from({ length: 250 }, (_, index) => `m${String(index).padStart(3, '0')}`);
    await container.upsertAll(january(ids));
    await container.upsertAll(january(ids));
    expect((await list(1000)).map(({ id }) => id)).toEqual(ids);
    expect(await list(7)).toHaveLength(7);
  });

  it('says when a document was not stored', async () => {
    await expect(container.upsertAll(january(['a/b']))).rejects.toMatchObject({
      code: 'COSMOS.FAILED',
      details: { cosmos_status: 400 },
    });
  });

  it('gives up when its caller does', async () => {
    const connections = new Set<Socket>();
    const silent = createServer((socket) => connections.add(socket)).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const leaving = new AbortController();
    const asked = containerOf(`AccountEndpoint=https://127.0.0.1:${port}/;AccountKey=a2V5;`).probe(leaving.signal);
    await once(silent, 'connection');
    leaving.abort();
    await expect(asked).rejects.toMatchObject({ name: 'AbortError' });
    await expect(container.probe(leaving.signal)).rejects.toMatchObject({ name: 'AbortError' });
    for (const connection of connections) connection.destroy();
    silent.close();
  });

  it('finds the account again after it was gone', async () => {
    const other = await startTestCosmos();
    const { port } = new URL(other.url);
    const patient = containerOf(other.connectionString);
    await patient.probe();
    await other.close();
    await expect(patient.probe()).rejects.toMatchObject({ code: 'COSMOS.UNREACHABLE' });
    const back = await startTestCosmos({ port: Number(port) });
    try {
      // Its folder is another one: the container is made anew.
      await expect(patient.probe()).rejects.toMatchObject({ code: 'COSMOS.CONTAINER_NOT_FOUND' });
      await patient.probe();
    } finally {
      await back.close();
    }
  });

  it.each(['', 'AccountEndpoint=nothing', 'AccountEndpoint=::;AccountKey=a2V5'])(
    'does not quote the connection string %j',
    async (connectionString) => {
      const error = (await containerOf(connectionString)
        .probe()
        .catch((cause: unknown) => cause)) as Error;
      expect(error).toMatchObject({ code: expect.stringMatching(/^COSMOS\./) as unknown });
      expect(`${error.message} ${String(error.cause)}`).not.toContain('a2V5');
    },
  );
});

function containerOf(connectionString: string): CosmosContainer {
  const credentials = { kind: 'connection-string', connectionString } as const;
  return new CosmosContainer({ ...NAMES, credentials, definition: TELEMETRY_CONTAINER });
}

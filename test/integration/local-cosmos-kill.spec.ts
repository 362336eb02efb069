import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Container, CosmosClient } from '@azure/cosmos';
import { trustCertificateAuthority } from '#libs/runtime';
import { type CosmosProcess, ensureCosmosBuilt, startCosmosProcess } from '../support/cosmos-process.js';
import { type CertificateFiles, selfSignedCertificate } from '../support/self-signed-certificate.js';

const ROUNDS = 10;
const BULK_SIZE = 20;
const PARTITION = 'device001-2025-01';
const PATIENT_LIMIT = '100000';

/** What the writers know to be stored: whatever is not acknowledged yet may be there or not. */
class Ledger {
  readonly stored = new Set<string>();
  readonly deleted = new Set<string>();
  counter = 0;
  acknowledgements = 0;

  constructor(private readonly onAcknowledged: (count: number) => void) {}

  acknowledge(): void {
    this.onAcknowledged(++this.acknowledgements);
  }
}

describe('kill -9 of the local Cosmos DB while documents are written', () => {
  let certificate: CertificateFiles;
  let dataDirectory: string;
  let server: CosmosProcess | undefined;

  beforeAll(async () => {
    await ensureCosmosBuilt();
    certificate = await selfSignedCertificate();
    trustCertificateAuthority(certificate.certFile);
    dataDirectory = mkdtempSync(join(tmpdir(), 'spyglass-cosmos-kill-'));
  }, 120_000);

  afterAll(async () => {
    server?.kill('SIGKILL');
    await server?.exited;
    rmSync(dataDirectory, { recursive: true, force: true });
    certificate.remove();
  });

  it(`keeps every acknowledged write in ${ROUNDS} rounds`, async () => {
    let killAt = 0;
    const ledger = new Ledger((count) => {
      if (count === killAt) server?.kill('SIGKILL');
    });
    for (let round = 1; round <= ROUNDS; round++) {
      server = await startCosmosProcess({
        LOCAL_COSMOS_CERT_FILE: certificate.certFile,
        LOCAL_COSMOS_KEY_FILE: certificate.keyFile,
        LOCAL_COSMOS_DATA_DIR: dataDirectory,
        LOCAL_COSMOS_MAX_DOCUMENTS: PATIENT_LIMIT,
      });
      const client = new CosmosClient({
        connectionString: server.connectionString,
        connectionPolicy: {
          retryOptions: { maxRetryAttemptCount: 0, fixedRetryIntervalInMilliseconds: 0, maxWaitTimeInSeconds: 0 },
        },
      });
      const container = await containerOf(client);
      await expectKept(container, ledger);
      // After 3, 10, 17 … 66 calls: now in the midst of single writes, now of bulks.
      killAt = ledger.acknowledgements + 3 + 7 * (round - 1);
      const ends = await Promise.allSettled([
        insert(container, ledger, round),
        insertInBulk(container, ledger, round),
        insertAndDelete(container, ledger, round),
        count(container, ledger),
      ]);
      await server.exited;
      client.dispose();
      // They end with the connection, not with an expectation.
      expect(ends.map((end) => (end as PromiseRejectedResult).reason as object)).not.toContainEqual(
        expect.objectContaining({ matcherResult: expect.anything() as unknown }),
      );
    }
    expect(ledger.stored.size).toBeGreaterThan(BULK_SIZE);
    expect(ledger.deleted.size).toBeGreaterThan(0);
    expect(ledger.counter).toBeGreaterThan(0);
  }, 180_000);
});

async function containerOf(client: CosmosClient): Promise<Container> {
  const { database } = await client.databases.createIfNotExists({ id: 'spyglass' });
  const { container } = await database.containers.createIfNotExists({
    id: 'telemetry',
    partitionKey: { paths: ['/partitionKey'] },
  });
  return container;
}

async function expectKept(container: Container, ledger: Ledger): Promise<void> {
  const { resources } = await container.items.readAll<{ id: string; count?: number }>().fetchAll();
  const found = new Map(resources.map((document) => [document.id, document]));
  expect([...ledger.stored].filter((id) => !found.has(id))).toEqual([]);
  expect([...ledger.deleted].filter((id) => found.has(id))).toEqual([]);
  const counter = found.get('counter')?.count ?? 0;
  expect([ledger.counter, ledger.counter + 1]).toContain(counter);
  ledger.counter = counter;
}

// Each of these ends when the connection is lost.

async function insert(container: Container, ledger: Ledger, round: number): Promise<void> {
  for (let index = 0; ; index++) {
    const id = `single-${round}-${index}`;
    await container.items.create({ id, partitionKey: PARTITION, filler: 'x'.repeat(index * 100) });
    ledger.stored.add(id);
    ledger.acknowledge();
  }
}

async function insertInBulk(container: Container, ledger: Ledger, round: number): Promise<void> {
  for (let index = 0; ; index++) {
    const ids = Array.from({ length: BULK_SIZE }, (_, place) => `bulk-${round}-${index}-${place}`);
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- its successor waits a second for every batch that is not full
    const results = await container.items.bulk(
      ids.map((id) => ({
        operationType: 'Upsert',
        partitionKey: PARTITION,
        resourceBody: { id, partitionKey: PARTITION },
      })),
    );
    expect(results.map(({ statusCode }) => statusCode)).toEqual(ids.map(() => 201));
    for (const id of ids) ledger.stored.add(id);
    ledger.acknowledge();
  }
}

async function insertAndDelete(container: Container, ledger: Ledger, round: number): Promise<void> {
  for (let index = 0; ; index++) {
    const id = `brief-${round}-${index}`;
    await container.items.create({ id, partitionKey: PARTITION });
    ledger.acknowledge();
    await container.item(id, PARTITION).delete();
    ledger.deleted.add(id);
    ledger.acknowledge();
  }
}

async function count(container: Container, ledger: Ledger): Promise<void> {
  for (;;) {
    await container.items.upsert({ id: 'counter', partitionKey: PARTITION, count: ledger.counter + 1 });
    ledger.counter++;
    ledger.acknowledge();
  }
}

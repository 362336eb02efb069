import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createTelemetryContainer } from '#libs/cosmos';
import { trustCertificateAuthority } from '#libs/runtime';
import { readyLine, startProcess } from '../../apps/local-stack/src/child-process.js';
import { ensureTlsFiles, type TlsFiles } from '../../apps/iot-hub-emulator/src/tls/tls-files.js';
import { median, type Result, type Scenario } from '../scenario.js';
import type { PublishOrder, PublishResult } from './load/publish.js';
import { runLoad, startHub, withFolder } from './servers.js';
import { settings } from './settings.js';

const CONNECTIONS = 50;
const IN_FLIGHT = 16;
const LEAST_SHARE = 0.8;
const LOCAL_COSMOS = join(__dirname, '../../apps/local-cosmos/src/main.js');
const NAMES = { databaseName: 'bench', containerName: 'telemetry' };

const route = (name: string, endpoint: string) => ({
  name,
  source: 'DeviceMessages',
  condition: 'true',
  endpointNames: [endpoint],
  isEnabled: true,
});

/** What it costs those who send that every message also goes to a Cosmos DB endpoint. */
export const cosmosRoute: Scenario = {
  name: 'cosmos route',
  run: () =>
    withFolder(async (folder) => {
      const alone: PublishResult[] = [];
      const routed: PublishResult[] = [];
      const delivered: number[] = [];
      for (let round = 0; round < settings.rounds; round++) {
        const withRoute = async () => {
          const dataDirectory = join(folder, `routed-${round}`);
          // The hub trusts the authority in its own folder.
          const cosmos = await startCosmos(
            join(folder, `cosmos-${round}`),
            await ensureTlsFiles(join(dataDirectory, 'tls')),
          );
          try {
            routed.push(await load(dataDirectory, cosmos.connectionString));
            delivered.push(deliveredMessages(dataDirectory));
          } finally {
            await cosmos.stop();
          }
        };
        const without = async () => {
          alone.push(await load(join(folder, `alone-${round}`)));
        };
        for (const side of round % 2 === 0 ? [without, withRoute] : [withRoute, without]) await side();
      }
      return [result(alone, routed, median(delivered))];
    }),
};

async function startCosmos(dataDirectory: string, { certFile, keyFile, caFile }: TlsFiles) {
  const cosmos = startProcess({
    name: 'local-cosmos',
    args: [LOCAL_COSMOS],
    env: {
      LOCAL_COSMOS_PORT: '0',
      LOCAL_COSMOS_DATA_DIR: dataDirectory,
      LOCAL_COSMOS_CERT_FILE: certFile,
      LOCAL_COSMOS_KEY_FILE: keyFile,
    },
    ready: (line) => readyLine(line) as { connectionString: string } | undefined,
  });
  const { connectionString } = await cosmos.ready;
  trustCertificateAuthority(caFile);
  await createTelemetryContainer(connectionString, NAMES);
  return { connectionString, stop: cosmos.stop };
}

async function load(dataDirectory: string, cosmosConnectionString?: string): Promise<PublishResult> {
  const endpoint = {
    name: 'cosmos',
    connectionString: cosmosConnectionString,
    ...NAMES,
    partitionKeyName: 'partitionKey',
  };
  const routing =
    cosmosConnectionString === undefined
      ? { routes: [route('all', 'events')] }
      : {
          endpoints: { cosmosDBSqlContainers: [endpoint] },
          routes: [route('all', 'events'), route('cosmos', 'cosmos')],
        };
  const hub = await startHub({ dataDirectory, devices: CONNECTIONS, routing });
  try {
    return await runLoad<PublishResult>('publish', {
      port: hub.port,
      caFile: hub.caFile,
      hostName: hub.hostName,
      serverPid: hub.pid,
      connections: CONNECTIONS,
      inFlight: IN_FLIGHT,
      warmUpMs: settings.warmUpMs,
      measureMs: settings.measureMs,
    } satisfies PublishOrder);
  } finally {
    await hub.stop();
  }
}

/** How far the endpoint was when the hub stopped. */
function deliveredMessages(dataDirectory: string): number {
  const database = new DatabaseSync(join(dataDirectory, 'iot-hub.db'), { readOnly: true });
  try {
    const row = database.prepare(`SELECT delivered_through FROM routing_endpoints WHERE name = 'cosmos'`).get();
    return Number(row?.delivered_through);
  } finally {
    database.close();
  }
}

function result(alone: readonly PublishResult[], routed: readonly PublishResult[], delivered: number): Result {
  const rate = (rounds: readonly PublishResult[]) =>
    `${median(rounds.map(({ perSecond }) => perSecond)).toFixed(0)} messages/s (hub: ${median(rounds.map(microsecondsEach)).toFixed(1)} µs of processor time a message)`;
  const share = median(routed.map(({ perSecond }, round) => perSecond / (alone[round]?.perSecond ?? NaN)));
  return {
    what: `hub: durable telemetry as above, every message also routed to a Cosmos DB endpoint (median of ${routed.length} paired rounds)`,
    measured: `${share.toFixed(2)} of the rate without: ${rate(routed)}, while Cosmos DB took ${delivered.toLocaleString('en')}`,
    baseline: `the built-in endpoint alone: ${rate(alone)}`,
    goal: `≥ ${LEAST_SHARE}`,
    met: share >= LEAST_SHARE && delivered > 0,
  };
}

/** The hub's processor time for each message it took in. Unlike the rate, it hardly depends on what else the machine does. */
const microsecondsEach = ({ perSecond, usage }: PublishResult) => (usage.server * 1_000_000) / perSecond;

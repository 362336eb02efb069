import { join } from 'node:path';
import { median, type Result, type Scenario } from '../scenario.js';
import { type BenchServer, runLoad, startAckOnly, startHub, startMosquitto, withFolder } from './servers.js';
import type { PublishOrder, PublishResult } from './load/publish.js';
import { settings } from './settings.js';

const CONNECTIONS = 50;
const IN_FLIGHT = 16;
const LEAST_PER_SECOND = 12_000;
/** A generator that could do no more than this multiple of what it measured would have measured itself. */
const HEADROOM = 1.2;

/** All telemetry to the built-in endpoint; what is hot also to a Cosmos DB endpoint, by a condition over every body. */
const ROUTING = {
  endpoints: {
    cosmosDBSqlContainers: [
      {
        name: 'alarms',
        endpointUri: 'https://localhost:1/',
        primaryKey: 'bm9uZQ==',
        databaseName: 'bench',
        containerName: 'alarms',
        partitionKeyName: 'partitionKey',
      },
    ],
  },
  routes: [
    { name: 'all', source: 'DeviceMessages', condition: 'true', endpointNames: ['events'], isEnabled: true },
    {
      name: 'alarms',
      source: 'DeviceMessages',
      condition: "$body.temperature > 90 AND level = 'info'",
      endpointNames: ['alarms'],
      isEnabled: true,
    },
  ],
};

export const ingest: Scenario = {
  name: 'ingest',
  run: () =>
    withFolder(async (folder, tls) => {
      const mosquitto: PublishResult[] = [];
      const hub: PublishResult[] = [];
      const varying: PublishResult[] = [];
      const ackOnly: PublishResult[] = [];
      const start = (name: string) =>
        startHub({ dataDirectory: join(folder, name), devices: CONNECTIONS, routing: ROUTING });
      const sides = [
        { results: mosquitto, start: () => startMosquitto(folder, tls) },
        { results: hub, start: (round: number) => start(`hub-${round}`) },
        { results: varying, start: (round: number) => start(`varying-${round}`) },
        { results: ackOnly, start: () => startAckOnly(tls) },
      ];
      for (let round = 0; round < settings.rounds; round++) {
        for (const { results, start } of round % 2 === 0 ? sides : sides.toReversed()) {
          const server = await start(round);
          try {
            results.push(await load(server, results === varying));
          } finally {
            await server.stop();
          }
        }
      }
      return [result({ hub, varying, mosquitto, ackOnly })];
    }),
};

function load({ port, caFile, hostName, pid }: BenchServer, varying: boolean): Promise<PublishResult> {
  return runLoad<PublishResult>('publish', {
    port,
    caFile,
    hostName,
    serverPid: pid,
    connections: CONNECTIONS,
    inFlight: IN_FLIGHT,
    warmUpMs: settings.warmUpMs,
    measureMs: settings.measureMs,
    varying,
  } satisfies PublishOrder);
}

type Rounds = readonly PublishResult[];

function result({
  hub,
  varying,
  mosquitto,
  ackOnly,
}: Record<'hub' | 'varying' | 'mosquitto' | 'ackOnly', Rounds>): Result {
  const rate = (rounds: Rounds) => median(rounds.map(({ perSecond }) => perSecond));
  const figures = (rounds: Rounds) => `${rate(rounds).toFixed(0)} messages/s (${usage(rounds)})`;
  const ratio = median(hub.map(({ perSecond }, round) => perSecond / (mosquitto[round]?.perSecond ?? NaN)));
  const measuredItself = rate(ackOnly) < HEADROOM * Math.max(rate(hub), rate(mosquitto));
  return {
    what: `hub: durable telemetry, ${CONNECTIONS} devices × ${IN_FLIGHT} in flight, QoS 1, 256 bytes, two routes, one over the body (median of ${hub.length} paired rounds)`,
    measured: `${ratio.toFixed(2)} × mosquitto: ${figures(hub)}; with a property that differs from message to message: ${figures(varying)}`,
    baseline: `mosquitto, in memory: ${figures(mosquitto)}; the generator against a server that only acknowledges${measuredItself ? ', which shows that it is the bottleneck' : ''}: ${figures(ackOnly)}`,
    goal: `≥ 1.0 × and ≥ ${LEAST_PER_SECOND.toLocaleString('en')} messages/s`,
    met: ratio >= 1 && rate(hub) >= LEAST_PER_SECOND,
  };
}

/** Processor time of both sides, as shares of a core. */
function usage(rounds: Rounds): string {
  const share = (side: 'server' | 'generator') =>
    `${side} ${(100 * median(rounds.map((round) => round.usage[side]))).toFixed(0)} %`;
  return `${share('server')}, ${share('generator')}`;
}

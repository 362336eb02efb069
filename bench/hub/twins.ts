import { join } from 'node:path';
import { median, type Result, type Scenario } from '../scenario.js';
import type { TwinsOrder, TwinsResult } from './load/twins.js';
import { type BenchHub, runLoad, startHub, withFolder } from './servers.js';
import { settings } from './settings.js';

const DEVICES = 32;
const IN_FLIGHT = 4;

const OPERATIONS = [
  { operation: 'read', what: 'twin reads', leastPerSecond: 2_000 },
  { operation: 'report', what: 'durable updates of reported properties', leastPerSecond: 1_000 },
] as const;

export const twins: Scenario = {
  name: 'twins',
  run: () =>
    withFolder(async (folder) => {
      const hub = await startHub({ dataDirectory: join(folder, 'hub'), devices: DEVICES });
      try {
        const rounds: Record<TwinsOrder['operation'], TwinsResult[]> = { read: [], report: [] };
        for (let round = 0; round < settings.rounds; round++) {
          for (const { operation } of OPERATIONS) rounds[operation].push(await load(hub, operation));
        }
        return OPERATIONS.map((operation) => result(operation, rounds[operation.operation]));
      } finally {
        await hub.stop();
      }
    }),
};

function load({ port, caFile, hostName, pid }: BenchHub, operation: TwinsOrder['operation']): Promise<TwinsResult> {
  return runLoad<TwinsResult>('twins', {
    port,
    caFile,
    hostName,
    serverPid: pid,
    operation,
    devices: DEVICES,
    inFlight: IN_FLIGHT,
    warmUpMs: settings.warmUpMs,
    measureMs: settings.measureMs,
  } satisfies TwinsOrder);
}

function result({ what, leastPerSecond }: (typeof OPERATIONS)[number], rounds: readonly TwinsResult[]): Result {
  const perSecond = median(rounds.map((round) => round.perSecond));
  const generator = median(rounds.map(({ usage }) => usage.generator));
  return {
    what: `hub: ${what} over MQTT, ${DEVICES} devices × ${IN_FLIGHT} in flight (median of ${rounds.length})`,
    measured: `${perSecond.toFixed(0)}/s`,
    baseline: `generator: ${(100 * generator).toFixed(0)} % of a core`,
    goal: `≥ ${leastPerSecond.toLocaleString('en')}/s`,
    met: perSecond >= leastPerSecond,
  };
}

import { join } from 'node:path';
import { formatMs, median, quantile, type Result, type Scenario } from '../scenario.js';
import type { MethodsOrder, MethodsResult } from './load/methods.js';
import { type BenchHub, runLoad, startHub, withFolder } from './servers.js';
import { settings } from './settings.js';

const DEVICES = 32;
const LEAST_PER_SECOND = 1_000;

export const methods: Scenario = {
  name: 'methods',
  run: () =>
    withFolder(async (folder) => {
      const hub = await startHub({ dataDirectory: join(folder, 'hub'), devices: DEVICES });
      try {
        const few: MethodsResult[] = [];
        const many: MethodsResult[] = [];
        for (let round = 0; round < settings.rounds; round++) {
          few.push(await load(hub, 32));
          many.push(await load(hub, 256));
        }
        return [result(few, 32, LEAST_PER_SECOND), result(many, 256)];
      } finally {
        await hub.stop();
      }
    }),
};

function load({ port, caFile, hostName, pid, serviceConnectionString }: BenchHub, inFlight: number) {
  return runLoad<MethodsResult>('methods', {
    port,
    caFile,
    hostName,
    serverPid: pid,
    ownerKey: /SharedAccessKey=(.*)$/.exec(serviceConnectionString)?.[1] ?? '',
    devices: DEVICES,
    inFlight,
    warmUpMs: settings.warmUpMs,
    measureMs: settings.measureMs,
  } satisfies MethodsOrder);
}

function result(rounds: readonly MethodsResult[], inFlight: number, leastPerSecond = 0): Result {
  const total = (of: (round: MethodsResult) => number) => rounds.reduce((sum, round) => sum + of(round), 0);
  const perSecond = median(rounds.map((round) => round.perSecond));
  const latencies = rounds.flatMap(({ latenciesMs }) => latenciesMs);
  const generator = median(rounds.map(({ usage }) => usage.generator));
  const [lost, crossed] = [total((round) => round.lost), total((round) => round.crossed)];
  return {
    what: `hub: direct methods, HTTPS to MQTT and back, ${DEVICES} devices, ${inFlight} in flight (${total(({ calls }) => calls).toLocaleString('en')} calls in ${rounds.length} rounds)`,
    measured: `${perSecond.toFixed(0)} calls/s, p50 ${formatMs(median(latencies))}, p99 ${formatMs(quantile(latencies, 0.99))}, lost ${lost}, crossed ${crossed}`,
    baseline: `generator of both sides: ${(100 * generator).toFixed(0)} % of a core`,
    goal: `${leastPerSecond > 0 ? `≥ ${leastPerSecond.toLocaleString('en')}/s, ` : ''}0 lost, 0 crossed`,
    met: perSecond >= leastPerSecond && lost === 0 && crossed === 0,
  };
}

import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { formatMs, median, quantile, type Result, type Scenario } from '../scenario.js';
import type { PublishOrder, PublishResult } from './load/publish.js';
import { runLoad, startHub, startMosquitto, type BenchServer, withFolder } from './servers.js';
import { settings } from './settings.js';

const FLUSHES = 300;
/** What SQLite writes for one small message: two pages and their headers. */
const FLUSHED = Buffer.alloc(2 * (4_096 + 24), 1);
const ALLOWANCE_MS = 1;

/** How long one device waits that sends its next message when it has the acknowledgement of the last one. */
export const acknowledgement: Scenario = {
  name: 'acknowledgement',
  run: () =>
    withFolder(async (folder, tls) => {
      const hub: number[] = [];
      const mosquitto: number[] = [];
      const flush: number[] = [];
      const server = await startHub({ dataDirectory: join(folder, 'hub'), devices: 1 });
      const broker = await startMosquitto(folder, tls);
      try {
        for (let round = 0; round < settings.rounds; round++) {
          flush.push(...flushes(folder));
          hub.push(...(await latencies(server)));
          flush.push(...flushes(folder));
          mosquitto.push(...(await latencies(broker)));
        }
      } finally {
        await server.stop();
        await broker.stop();
      }
      const limitMs = 2 * median(flush) + ALLOWANCE_MS;
      const figures = (values: readonly number[]) =>
        `p50 ${median(values).toFixed(2)} ms, p99 ${quantile(values, 0.99).toFixed(2)} ms`;
      return [
        {
          what: `hub: a durable acknowledgement, one device, one message in flight (${hub.length.toLocaleString('en')} messages in ${settings.rounds} rounds)`,
          measured: figures(hub),
          baseline: `write and fdatasync on the same disk: ${figures(flush)}; mosquitto, in memory: ${figures(mosquitto)}`,
          goal: `p50 ≤ 2 × fdatasync + 1 ms = ${formatMs(limitMs)}`,
          met: median(hub) <= limitMs,
        } satisfies Result,
      ];
    }),
};

async function latencies({ port, caFile, hostName, pid }: BenchServer): Promise<readonly number[]> {
  const { latenciesMs } = await runLoad<PublishResult>('publish', {
    port,
    caFile,
    hostName,
    serverPid: pid,
    connections: 1,
    inFlight: 1,
    warmUpMs: settings.warmUpMs / 2,
    measureMs: settings.measureMs / 2,
    latencies: true,
  } satisfies PublishOrder);
  return latenciesMs;
}

function flushes(folder: string): number[] {
  const file = openSync(join(folder, 'flushes'), 'w');
  try {
    return Array.from({ length: FLUSHES }, () => {
      const startMs = performance.now();
      writeSync(file, FLUSHED);
      fdatasyncSync(file);
      return performance.now() - startMs;
    });
  } finally {
    closeSync(file);
  }
}

import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readyLine, startProcess } from '../../apps/local-stack/src/child-process.js';
import { processorMs, residentBytes } from '../process-usage.js';
import type { Result, Scenario } from '../scenario.js';
import type { IdleOrder, IdleResult } from './load/idle.js';
import type { PublishOrder, PublishResult } from './load/publish.js';
import { type BenchServer, runLoad, startHub, startMosquitto, withFolder } from './servers.js';
import { settings } from './settings.js';

const KIB = 1024;
const MOST_BYTES = 60 * KIB;
const WARM_UP_DEVICES = 100;
const WARM_UP_MS = 5_000;
const CONNECT_TIMEOUT_MS = 300_000;
/** Memory is read when the server has done nothing for this long. */
const QUIET_MS = 2_000;
const QUIET_LIMIT_MS = 60_000;
/** Several collections: what the first one finds goes with the next ones. */
const COLLECTIONS = 4;

/** What a connected device costs that is only there. */
export const idleDevices: Scenario = {
  name: 'idle devices',
  run: () =>
    withFolder(async (folder, tls) => {
      const hub = await startHub({
        dataDirectory: join(folder, 'hub'),
        devices: settings.idleDevices,
        nodeArguments: ['--expose-gc', '--require', join(__dirname, 'collect-garbage.js')],
      });
      const ours = await growth(hub, { collects: true }).finally(() => hub.stop());
      const broker = await startMosquitto(folder, tls);
      const theirs = await growth(broker, { collects: false }).finally(() => broker.stop());
      const kib = (bytes: number) => `${(bytes / KIB).toFixed(1)} KiB`;
      return [
        {
          what: `hub: resident memory for each of ${settings.idleDevices.toLocaleString('en')} connected idle devices (TLS, SAS, four subscriptions)`,
          measured: `${kib(ours.collected)} (${kib(ours.uncollected)} before the garbage collection that the benchmark asks for), ${ours.failures} failures, ${ours.connectsPerSecond.toFixed(0)} connects/s`,
          baseline: `mosquitto: ${kib(theirs.collected)}, ${theirs.failures} failures, ${theirs.connectsPerSecond.toFixed(0)} connects/s`,
          goal: '≤ 60 KiB, 0 failures',
          met: ours.collected <= MOST_BYTES && ours.failures === 0,
        } satisfies Result,
      ];
    }),
};

interface Growth extends IdleResult {
  /** Bytes a device, before and after garbage collections. */
  readonly uncollected: number;
  readonly collected: number;
}

/**
 * Some devices come, send and go first, so that what any work needs is not counted as memory of idle devices: compiled code,
 * pools, and the young generation of the heap, which grows to its full size then.
 */
async function growth(server: BenchServer, { collects }: { collects: boolean }): Promise<Growth> {
  const collect = async () => {
    for (let round = 0; collects && round < COLLECTIONS; round++) {
      process.kill(server.pid, 'SIGUSR2');
      await untilQuiet(server.pid);
    }
    await untilQuiet(server.pid);
  };
  await (await connectDevices(server, WARM_UP_DEVICES)).end();
  await runLoad<PublishResult>('publish', {
    port: server.port,
    caFile: server.caFile,
    hostName: server.hostName,
    serverPid: server.pid,
    connections: WARM_UP_DEVICES,
    inFlight: 16,
    warmUpMs: 0,
    measureMs: WARM_UP_MS,
  } satisfies PublishOrder);
  await collect();
  const before = residentBytes(server.pid);
  const devices = await connectDevices(server, settings.idleDevices);
  await untilQuiet(server.pid);
  const uncollected = (residentBytes(server.pid) - before) / settings.idleDevices;
  await collect();
  const collected = (residentBytes(server.pid) - before) / settings.idleDevices;
  return { ...(await devices.end()), uncollected, collected };
}

async function connectDevices(
  { port, caFile, hostName }: BenchServer,
  devices: number,
): Promise<{ end: () => Promise<IdleResult> }> {
  const result = Promise.withResolvers<IdleResult>();
  const load = startProcess({
    name: 'idle devices',
    args: [join(__dirname, 'load/idle.js'), JSON.stringify({ port, caFile, hostName, devices } satisfies IdleOrder)],
    env: {},
    timeoutMs: CONNECT_TIMEOUT_MS,
    ready: (line) => {
      const said = readyLine(line) as { ready: string } | undefined;
      if (said?.ready === 'result') result.resolve(said as unknown as IdleResult);
      return said;
    },
  });
  await load.ready;
  return {
    async end() {
      process.kill(load.pid, 'SIGUSR2');
      const how = await load.ended;
      // Without effect if there is a result.
      result.reject(new Error(how));
      return result.promise;
    },
  };
}

async function untilQuiet(pid: number): Promise<void> {
  const endMs = Date.now() + QUIET_LIMIT_MS;
  for (let before = processorMs(pid); Date.now() < endMs;) {
    await delay(QUIET_MS);
    const now = processorMs(pid);
    // One tick of the clock now and then is what timers take.
    if (now - before <= 20) return;
    before = now;
  }
  throw new Error('the server is never quiet');
}

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureTlsFiles, type TlsFiles } from '../../apps/iot-hub-emulator/src/tls/tls-files.js';
import { readyLine, startProcess } from '../../apps/local-stack/src/child-process.js';
import { freePort } from '../../test/support/free-port.js';
import { DEVICE_KEY, deviceName } from './load/devices.js';

const EMULATOR = join(__dirname, '../../apps/iot-hub-emulator/src/main.js');
const LOAD = join(__dirname, 'load');
const READY_TIMEOUT_MS = 60_000;

/** A server in a process of its own, on a port of its own. */
export interface BenchServer {
  readonly pid: number;
  readonly port: number;
  /** What devices call it. */
  readonly hostName: string;
  readonly caFile: string;
  stop(): Promise<void>;
}

export interface BenchHub extends BenchServer {
  readonly serviceConnectionString: string;
}

/** Runs `work` with a fresh folder on disk and a certificate in it. */
export async function withFolder<T>(work: (folder: string, tls: TlsFiles) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'spyglass-bench-'));
  try {
    return await work(folder, await ensureTlsFiles(join(folder, 'tls')));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export interface HubOptions {
  /** Where it keeps its data; made if missing. */
  readonly dataDirectory: string;
  readonly devices?: number;
  /** As ARM has it. */
  readonly routing?: object;
  /** Arguments for Node.js, before the script. */
  readonly nodeArguments?: readonly string[];
  readonly moreArguments?: readonly string[];
}

/** Starts the emulator as its users do, with devices that share {@link DEVICE_KEY}. */
export async function startHub(options: HubOptions): Promise<BenchHub> {
  const { dataDirectory, devices = 0, routing, nodeArguments = [], moreArguments = [] } = options;
  const seedFile = `${dataDirectory}-seed.json`;
  const symmetricKey = { primaryKey: DEVICE_KEY, secondaryKey: DEVICE_KEY };
  const seed = {
    devices: Array.from({ length: devices }, (_, index) => ({
      deviceId: deviceName(index),
      authentication: { type: 'sas', symmetricKey },
    })),
    ...(routing && { properties: { routing } }),
  };
  await writeFile(seedFile, JSON.stringify(seed));
  const args = ['--port', '0', '--no-standard-ports', '--data-dir', dataDirectory, '--seed', seedFile];
  const hub = startProcess({
    name: 'iot-hub-emulator',
    args: [...nodeArguments, EMULATOR, ...args, '--log-level', 'warn', ...moreArguments],
    env: {},
    timeoutMs: READY_TIMEOUT_MS,
    ready: (line) => readyLine(line) as Omit<BenchHub, 'pid' | 'stop'> | undefined,
  });
  const { port, hostName, caFile, serviceConnectionString } = await hub.ready;
  return { pid: hub.pid, port, hostName, caFile, serviceConnectionString, stop: hub.stop };
}

/**
 * Starts mosquitto with TLS, keeping everything in memory, and letting everybody in.
 *
 * @throws Error that says how to get it, when it is not installed.
 */
export async function startMosquitto(folder: string, tls: TlsFiles): Promise<BenchServer> {
  const port = await freePort();
  const config = join(folder, `mosquitto-${port}.conf`);
  await writeFile(
    config,
    [
      `listener ${port} 127.0.0.1`,
      `certfile ${tls.certFile}`,
      `keyfile ${tls.keyFile}`,
      'allow_anonymous true',
      'persistence false',
      'log_dest none',
      // It gives up root's rights otherwise, and can then read no key of ours.
      'user root',
    ].join('\n'),
  );
  const broker = spawn(mosquittoProgram(), ['-c', config], { stdio: 'ignore' });
  const ended = once(broker, 'exit');
  await untilListening(port);
  return {
    pid: broker.pid ?? 0,
    port,
    hostName: 'localhost',
    caFile: tls.caFile,
    async stop() {
      broker.kill();
      await ended;
    },
  };
}

function mosquittoProgram(): string {
  for (const program of ['mosquitto', '/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto']) {
    try {
      execFileSync(program, ['-h'], { stdio: 'ignore' });
      return program;
    } catch (error) {
      // Its help ends with an exit code of 3.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return program;
    }
  }
  throw new Error('mosquitto, the baseline, is not installed: on Debian and Ubuntu, apt-get install mosquitto.');
}

/** A server that only acknowledges, to see what the load generator can do. */
export async function startAckOnly(tls: TlsFiles): Promise<BenchServer> {
  const server = startProcess({
    name: 'ack-only server',
    args: [join(LOAD, 'ack-only-server.js'), tls.certFile, tls.keyFile],
    env: {},
    ready: (line) => readyLine(line) as { port: number } | undefined,
  });
  const { port } = await server.ready;
  return { pid: server.pid, port, hostName: 'localhost', caFile: tls.caFile, stop: server.stop };
}

/** Runs a load process of folder `load` with its order, and gives its result. */
export async function runLoad<Result>(script: string, order: object, timeoutMs = 600_000): Promise<Result> {
  const load = startProcess({
    name: script,
    args: [join(LOAD, `${script}.js`), JSON.stringify(order)],
    env: {},
    timeoutMs,
    ready: (line) => readyLine(line) as Result | undefined,
  });
  const result = await load.ready;
  // Nothing is left for it to do, and one was once seen to stay.
  await load.stop();
  return result;
}

async function untilListening(port: number): Promise<void> {
  const endMs = Date.now() + READY_TIMEOUT_MS;
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const open = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'close').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (open) return;
    if (Date.now() > endMs) throw new Error('mosquitto does not listen');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

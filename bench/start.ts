import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readyLine, startProcess, type RunningProcess } from '../apps/local-stack/src/child-process.js';
import { NODE_ARGUMENTS } from '../apps/local-stack/src/local-stack.js';
import { residentBytes } from './process-usage.js';
import { formatMib, formatMs, median, timed, type Result, type Scenario } from './scenario.js';

const ROUNDS = 5;
const DEVICES = 10_000;
const IDLE_MS = 3_000;

const script = (app: string): string => join(__dirname, `../apps/${app}/src/main.js`);

export const start: Scenario = {
  name: 'start',
  run: async () => [...(await apiStart()), ...(await emulatorStart())],
};

/** From the spawn to the first 200, without hub, storage or AI settings: nothing is waited for but the API itself. */
async function apiStart(): Promise<Result[]> {
  const starts: number[] = [];
  const bare: number[] = [];
  let idle = 0;
  for (let round = 0; round < ROUNDS; round++) {
    bare.push(
      await timed(async () => {
        await startProcess({ name: 'bare node', args: ['-p', '1'], env: {}, ready: (line) => line }).ended;
      }),
    );
    let api: RunningProcess<{ url: string }> | undefined;
    starts.push(
      await timed(async () => {
        api = startProcess({
          name: 'api',
          args: [...(NODE_ARGUMENTS.api ?? []), script('api')],
          env: { API_PORT: '0', CORE_LOG_LEVEL: 'warning' },
          ready: (line) => readyLine(line) as { url: string } | undefined,
        });
        const { url } = await api.ready;
        const response = await fetch(`${url}/core/info`);
        if (response.status !== 200) throw new Error(`/core/info: ${response.status}`);
      }),
    );
    await new Promise((resolve) => setTimeout(resolve, round === ROUNDS - 1 ? IDLE_MS : 0));
    if (api) idle = residentBytes(api.pid);
    await api?.stop();
  }
  return [
    {
      what: `API: start to first 200 (median of ${ROUNDS})`,
      measured: formatMs(median(starts)),
      baseline: `an empty Node.js process: ${formatMs(median(bare))}`,
      goal: '≤ 2.0 s',
      met: median(starts) <= 2_000,
    },
    { what: 'API: resident memory when idle', measured: formatMib(idle), goal: '≤ 200 MB', met: idle <= 200e6 },
  ];
}

/** The devices come from a seed file at the first start; the following starts, which are measured, find them stored. */
async function emulatorStart(): Promise<Result[]> {
  const directory = await mkdtemp(join(tmpdir(), 'spyglass-bench-'));
  try {
    const seed = join(directory, 'seed.json');
    const devices = Array.from({ length: DEVICES }, (_, index) => ({
      deviceId: `device-${index}`,
      tags: { room: randomBytes(4).toString('hex') },
      properties: { desired: { interval: index } },
    }));
    await writeFile(seed, JSON.stringify({ devices }));
    const first = await timed(() => startEmulator(directory, ['--seed', seed]));
    const starts: number[] = [];
    for (let round = 0; round < ROUNDS; round++) starts.push(await timed(() => startEmulator(directory, [])));
    return [
      {
        what: `emulator: start with ${DEVICES.toLocaleString('en')} devices (median of ${ROUNDS}, stop included)`,
        measured: formatMs(median(starts)),
        baseline: `the first start, which seeds them: ${formatMs(first)}`,
        goal: '≤ 2 s',
        met: median(starts) <= 2_000,
      },
    ];
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function startEmulator(dataDirectory: string, more: string[]): Promise<void> {
  const emulator = startProcess({
    name: 'iot-hub-emulator',
    args: [script('iot-hub-emulator'), '--port', '0', '--no-standard-ports', '--data-dir', dataDirectory, ...more],
    env: {},
    ready: readyLine,
  });
  await emulator.ready;
  await emulator.stop();
}

import { randomBytes } from 'node:crypto';
import { get } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { BlobSASPermissions, BlobServiceClient } from '@azure/storage-blob';
import { readyLine, startProcess } from '../apps/local-stack/src/child-process.js';
import { NODE_ARGUMENTS, type StackFacts } from '../apps/local-stack/src/local-stack.js';
import { peakMemory, processorMs, residentBytes } from './process-usage.js';
import { formatMib, formatMs, median, quantile, timed, type Result, type Scenario } from './scenario.js';
import { withStack } from './stack.js';

const MIB = 1024 * 1024;
const ROUNDS = 9;
const MEMORY_ROUNDS = 3;
const PARALLEL = 16;
const SMALL = { name: '50.bin', bytes: 50 * MIB };
const LARGE = { name: '200.bin', bytes: 200 * MIB };
const WARM_UP = { name: 'warm-up.bin', bytes: 5 * MIB };
/** A process that has just worked gives memory back for a moment. */
const SETTLE_MS = 1_000;

interface Server {
  readonly pid: number;
  readonly url: string;
  stop(): Promise<void>;
}

export const blobStreaming: Scenario = {
  name: 'blob streaming',
  run: () =>
    withStack(async (facts, { processIds }) => {
      const pipe = await startBarePipe(facts);
      try {
        const api = { pid: processIds.api ?? 0, url: facts.apiUrl };
        return [await speed(api, pipe), ...(await memoryAndLatency(facts, pipe))];
      } finally {
        await pipe.stop();
      }
    }),
};

/** Stores both blobs and starts the baseline in front of them. */
async function startBarePipe(facts: StackFacts): Promise<Server> {
  const container = BlobServiceClient.fromConnectionString(facts.storageConnectionString).getContainerClient('dev');
  for (const { name, bytes } of [SMALL, LARGE]) await container.getBlockBlobClient(name).uploadData(randomBytes(bytes));
  const url = await container.generateSasUrl({
    permissions: BlobSASPermissions.parse('r') as never,
    expiresOn: new Date(Date.now() + 3_600_000),
  });
  const [urlStart = '', sas = ''] = url.split('?');
  const pipe = startProcess({
    name: 'bare pipe',
    args: [join(__dirname, 'bare-pipe.js'), facts.caFile, urlStart, `?${sas}`],
    env: {},
    ready: (line) => readyLine(line) as { port: number } | undefined,
  });
  const { port } = await pipe.ready;
  return { pid: pipe.pid, url: `http://127.0.0.1:${port}`, stop: pipe.stop };
}

/** The API as the stack starts it, in a process that has served nobody yet. */
async function startFreshApi(facts: StackFacts): Promise<Server> {
  const api = startProcess({
    name: 'api',
    args: ['--enable-source-maps', ...(NODE_ARGUMENTS.api ?? []), join(__dirname, '../apps/api/src/main.js')],
    env: {
      API_PORT: '0',
      CA_FILE: facts.caFile,
      CORE_LOG_LEVEL: 'warning',
      RATE_LIMIT_PER_MINUTE: '0',
      IOT_HUB_CONNECTION_STRING: facts.serviceConnectionString,
      BLOB_STORAGE_CONNECTION_STRING: facts.storageConnectionString,
      BLOB_STORAGE_CONTAINER_NAME: 'dev',
    },
    ready: (line) => readyLine(line) as { url: string } | undefined,
  });
  const { url } = await api.ready;
  return { pid: api.pid, url, stop: api.stop };
}

/** The API and the baseline take turns, so that both see the same machine. */
async function speed(api: Omit<Server, 'stop'>, pipe: Server): Promise<Result> {
  const ours = { pid: api.pid, url: `${api.url}/blob_storage/${SMALL.name}`, ms: [] as number[], cpu: [] as number[] };
  const bare = { pid: pipe.pid, url: `${pipe.url}/${SMALL.name}`, ms: [] as number[], cpu: [] as number[] };
  for (let round = 0; round <= ROUNDS; round++) {
    for (const side of round % 2 === 0 ? [ours, bare] : [bare, ours]) {
      const cpuBefore = processorMs(side.pid);
      const ms = await timed(() => drain(side.url, SMALL.bytes));
      // The first round warms both up.
      if (round === 0) continue;
      side.ms.push(ms);
      side.cpu.push(processorMs(side.pid) - cpuBefore);
    }
  }
  const ratio = median(bare.ms) / median(ours.ms);
  const figures = ({ ms, cpu }: typeof ours): string =>
    `${(SMALL.bytes / MIB / (median(ms) / 1_000)).toFixed(0)} MiB/s, ${median(cpu)} ms of processor time`;
  return {
    what: `download of 50 MiB through the API (${ROUNDS} alternating rounds, medians)`,
    measured: `${ratio.toFixed(2)} of the baseline: ${figures(ours)}`,
    baseline: `bare node:http pipe: ${figures(bare)}`,
    goal: '≥ 0.8',
    met: ratio >= 0.8,
  };
}

interface Load {
  what: string;
  work: (apiUrl: string) => Promise<unknown>;
}

const downloadsOf = ({ name, bytes }: { name: string; bytes: number }): Load => ({
  what: `${PARALLEL} downloads of ${bytes / MIB} MiB at once`,
  work: (apiUrl) => parallel(`${apiUrl}/blob_storage/${name}`, bytes),
});
const LOADS: readonly Load[] = [
  downloadsOf(SMALL),
  downloadsOf(LARGE),
  { what: 'an upload of 200 MiB', work: (apiUrl) => upload(apiUrl, { name: 'upload.bin', bytes: LARGE.bytes }) },
];

/** Each load meets a fresh process, whose memory is compared with its own after a small upload and download. */
async function memoryAndLatency(facts: StackFacts, pipe: Server): Promise<Result[]> {
  const growth = LOADS.map((): number[] => []);
  const idle: number[] = [];
  const latencies: number[] = [];
  const neighbours: number[] = [];
  for (let round = 0; round < MEMORY_ROUNDS; round++) {
    for (const [index, { work }] of LOADS.entries()) {
      const api = await startFreshApi(facts);
      try {
        await upload(api.url, WARM_UP);
        await drain(`${api.url}/blob_storage/${WARM_UP.name}`, WARM_UP.bytes);
        const probes = await Promise.all([startProbe(`${api.url}/core/info`), startProbe(`${pipe.url}/info`)]);
        await delay(SETTLE_MS);
        const before = residentBytes(api.pid);
        idle.push(before);
        growth[index]?.push((await peakMemory(api.pid, () => work(api.url))) - before);
        const [ours, others] = await Promise.all(probes.map((probe) => probe.stop()));
        latencies.push(...(ours ?? []));
        neighbours.push(...(others ?? []));
      } finally {
        await api.stop();
      }
    }
  }
  const probe = await startProbe(`${pipe.url}/info`);
  for (let round = 0; round < MEMORY_ROUNDS; round++) await parallel(`${pipe.url}/${SMALL.name}`, SMALL.bytes);
  const bare = await probe.stop();
  return [...memoryResults(growth.map(median), median(idle)), latencyResult({ latencies, bare, neighbours })];
}

function memoryResults(growth: readonly number[], idle: number): Result[] {
  const [small = 0, large = 0] = growth;
  return [
    ...LOADS.map(({ what }, index) => ({
      what: `memory growth of the API during ${what} (${MEMORY_ROUNDS} fresh processes, median)`,
      measured: formatMib(growth[index] ?? 0),
      baseline: `the same process after an upload and a download of 5 MiB: ${formatMib(idle)}`,
      goal: '≤ 128 MiB',
      met: (growth[index] ?? Infinity) <= 128 * MIB,
    })),
    {
      what: 'that growth with blobs of 200 MiB, to that with 50 MiB',
      measured: `${(large / small).toFixed(2)} ×`,
      goal: '0.8 to 1.2 ×',
      met: large / small >= 0.8 && large / small <= 1.2,
    },
  ];
}

function latencyResult(measured: { latencies: number[]; bare: number[]; neighbours: number[] }): Result {
  const figures = (values: readonly number[]): string =>
    `p50 ${formatMs(median(values))}, p99 ${formatMs(quantile(values, 0.99))}`;
  const { latencies, bare, neighbours } = measured;
  return {
    what: `GET /core/info during those downloads and uploads (${latencies.length} calls)`,
    measured: figures(latencies),
    baseline: `the bare pipe during ${PARALLEL} downloads of its own: ${figures(bare)}; idle beside the API, which is the machine's share: ${figures(neighbours)}`,
    goal: 'p99 ≤ 50 ms',
    met: quantile(latencies, 0.99) <= 50,
  };
}

/** Reads a URL to its end without keeping it. */
function drain(url: string, expectedBytes: number): Promise<void> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => (bytes += chunk.length));
      response.on('end', () => {
        if (response.statusCode === 200 && bytes === expectedBytes) resolve();
        else reject(new Error(`${url}: ${String(response.statusCode)} with ${bytes} bytes`));
      });
      response.on('error', reject);
    }).on('error', reject);
  });
}

const parallel = (url: string, bytes: number): Promise<unknown> =>
  Promise.all(Array.from({ length: PARALLEL }, () => drain(url, bytes)));

async function upload(apiUrl: string, { name, bytes }: { name: string; bytes: number }): Promise<void> {
  const body = new FormData();
  body.set('file', new Blob(Array<Buffer<ArrayBuffer>>(bytes / MIB).fill(randomBytes(MIB))), name);
  const response = await fetch(`${apiUrl}/blob_storage?blob_name=${name}&overwrite=true`, { method: 'POST', body });
  if (response.status !== 201) throw new Error(`upload: ${response.status} ${await response.text()}`);
}

/** Calls a small route one call after the other, from another process, and gives each latency in milliseconds. */
async function startProbe(url: string): Promise<{ stop: () => Promise<number[]> }> {
  let latencies: number[] = [];
  const probe = startProcess({
    name: 'latency probe',
    args: [join(__dirname, 'latency-probe.js'), url],
    env: {},
    ready: (line) => {
      if (line.startsWith('[')) latencies = JSON.parse(line) as number[];
      return readyLine(line);
    },
  });
  await probe.ready;
  return {
    stop: async () => {
      await probe.stop();
      return latencies;
    },
  };
}

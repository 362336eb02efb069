import { randomBytes } from 'node:crypto';
import { get } from 'node:http';
import { join } from 'node:path';
import { BlobSASPermissions, BlobServiceClient } from '@azure/storage-blob';
import { readyLine, startProcess } from '../apps/local-stack/src/child-process.js';
import type { StackFacts } from '../apps/local-stack/src/local-stack.js';
import { peakMemory, residentBytes } from './memory.js';
import { formatMib, formatMs, median, quantile, timed, type Result, type Scenario } from './scenario.js';
import { withStack } from './stack.js';

const MIB = 1024 * 1024;
const ROUNDS = 9;
const PARALLEL = 16;
const SMALL = { name: '50.bin', bytes: 50 * MIB };
const LARGE = { name: '200.bin', bytes: 200 * MIB };

export const blobStreaming: Scenario = {
  name: 'blob streaming',
  run: () =>
    withStack(async (facts, stack) => {
      const api = stack.processIds.api ?? 0;
      const pipe = await startBarePipe(facts);
      try {
        return [...(await downloads(facts, pipe.url)), ...(await memory(facts, api))];
      } finally {
        await pipe.stop();
      }
    }),
};

/** Stores both blobs and starts the baseline in front of them. */
async function startBarePipe(facts: StackFacts): Promise<{ url: string; stop: () => Promise<void> }> {
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
  return { url: `http://127.0.0.1:${port}`, stop: pipe.stop };
}

/** The API and the baseline take turns, so that both see the same machine. */
async function downloads(facts: StackFacts, pipeUrl: string): Promise<Result[]> {
  const ours: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const oursMs = await timed(() => drain(`${facts.apiUrl}/blob_storage/${SMALL.name}`, SMALL.bytes));
    const bareMs = await timed(() => drain(`${pipeUrl}/${SMALL.name}`, SMALL.bytes));
    // The first round warms both up.
    if (round > 0) {
      ours.push(oursMs);
      bare.push(bareMs);
    }
  }
  const ratio = median(bare) / median(ours);
  const rate = (ms: number): string => `${(SMALL.bytes / MIB / (ms / 1_000)).toFixed(0)} MiB/s`;
  return [
    {
      what: `download of 50 MiB through the API (${ROUNDS} alternating rounds, medians)`,
      measured: `${rate(median(ours))}, ${ratio.toFixed(2)} of the baseline`,
      baseline: `bare node:http pipe: ${rate(median(bare))}`,
      goal: '≥ 0.8',
      met: ratio >= 0.8,
    },
  ];
}

async function memory(facts: StackFacts, api: number): Promise<Result[]> {
  const idle = residentBytes(api);
  const probe = startProbe(`${facts.apiUrl}/core/info`);
  const grown: { what: string; bytes: number }[] = [];
  for (const { name, bytes } of [SMALL, LARGE]) {
    const url = `${facts.apiUrl}/blob_storage/${name}`;
    const peak = await peakMemory(api, () => Promise.all(Array.from({ length: PARALLEL }, () => drain(url, bytes))));
    grown.push({ what: `${PARALLEL} downloads of ${bytes / MIB} MiB at once`, bytes: peak - idle });
  }
  const peak = await peakMemory(api, () => upload(facts.apiUrl, LARGE.bytes));
  grown.push({ what: 'an upload of 200 MiB', bytes: peak - idle });
  const latencies = await probe.stop();

  const [small = 0, large = 0] = grown.map(({ bytes }) => bytes);
  const spread = Math.max(...grown.map(({ bytes }) => bytes)) / Math.min(...grown.map(({ bytes }) => bytes));
  return [
    ...grown.map(({ what, bytes }) => ({
      what: `memory growth of the API during ${what} (idle ${formatMib(idle)})`,
      measured: formatMib(bytes),
      goal: '≤ 128 MiB',
      met: bytes <= 128 * MIB,
    })),
    {
      what: 'memory growth with blobs four times as large',
      measured: `${(large / small).toFixed(2)} ×, largest to smallest of all three ${spread.toFixed(2)} ×`,
      goal: '0.8 to 1.2 ×',
      met: large / small >= 0.8 && large / small <= 1.2,
    },
    {
      what: `GET /core/info meanwhile (${latencies.length} calls)`,
      measured: `p50 ${formatMs(median(latencies))}, p99 ${formatMs(quantile(latencies, 0.99))}`,
      goal: 'p99 ≤ 50 ms',
      met: quantile(latencies, 0.99) <= 50,
    },
  ];
}

/** Reads a URL to its end without keeping it. */
function drain(url: string, expectedBytes: number): Promise<void> {
  return new Promise((resolve, reject) => {
    get(url, (response) => {
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

async function upload(apiUrl: string, bytes: number): Promise<void> {
  const body = new FormData();
  body.set('file', new Blob([randomBytes(bytes)]), 'upload.bin');
  const response = await fetch(`${apiUrl}/blob_storage?blob_name=upload.bin&overwrite=true`, { method: 'POST', body });
  if (response.status !== 201) throw new Error(`upload: ${response.status} ${await response.text()}`);
}

/** Calls a small route one call after the other and keeps each latency in milliseconds. */
function startProbe(url: string): { stop: () => Promise<number[]> } {
  const latencies: number[] = [];
  const stopped = new AbortController();
  const loop = (async () => {
    while (!stopped.signal.aborted) latencies.push(await timed(async () => (await fetch(url)).arrayBuffer()));
  })();
  return {
    stop: async () => {
      stopped.abort();
      await loop;
      return latencies;
    },
  };
}

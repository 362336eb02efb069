import { randomBytes } from 'node:crypto';
import { createClient, type SpyglassClient } from '#client-sdk';
import { formatMs, median, timed, type Result, type Scenario } from './scenario.js';
import { withStack } from './stack.js';

const MIB = 1024 * 1024;
const ROUNDS = 20;
const CALLS_PER_ROUND = 50;
const DOWNLOAD_BYTES = 50 * MIB;

export const clientSdk: Scenario = {
  name: 'client sdk',
  run: () =>
    withStack(async ({ apiUrl }) => {
      const client = createClient({ baseUrl: apiUrl });
      return [await smallCalls(client, apiUrl), await downloads(client, apiUrl)];
    }),
};

/** Both sides take turns, the first of a round changing, and read the answer as JSON. */
async function smallCalls(client: SpyglassClient, apiUrl: string): Promise<Result> {
  const viaSdk = () => client.core.getInfo();
  const bareFetch = async (): Promise<unknown> => {
    const response = await fetch(`${apiUrl}/core/info`);
    if (response.status !== 200) throw new Error(`/core/info: ${response.status}`);
    return response.json();
  };
  const { ours, bare } = await alternate(viaSdk, bareFetch, CALLS_PER_ROUND);
  const overhead = median(ours) - median(bare);
  return {
    what: `a small call through the client SDK (${ROUNDS} alternating rounds of ${CALLS_PER_ROUND}, p50)`,
    measured: `${median(ours).toFixed(3)} ms, overhead ${overhead.toFixed(3)} ms`,
    baseline: `bare fetch: ${median(bare).toFixed(3)} ms`,
    goal: 'overhead ≤ 0.3 ms',
    met: overhead <= 0.3,
  };
}

async function downloads(client: SpyglassClient, apiUrl: string): Promise<Result> {
  const blob_name = 'client-sdk.bin';
  await client.blobStorage.uploadBlob({ blob_name, file: new Blob([randomBytes(DOWNLOAD_BYTES)]) });
  const viaSdk = async () => drain((await client.blobStorage.getBlob({ blob_name })).stream);
  const bareFetch = async () => drain((await fetch(`${apiUrl}/blob_storage/${blob_name}`)).body);
  const { ours, bare } = await alternate(viaSdk, bareFetch, 1);
  const overhead = median(ours) / median(bare) - 1;
  return {
    what: `a download of ${DOWNLOAD_BYTES / MIB} MiB through the client SDK (${ROUNDS} alternating rounds, p50)`,
    measured: `${formatMs(median(ours))}, overhead ${(overhead * 100).toFixed(1)} %`,
    baseline: `bare fetch: ${formatMs(median(bare))}`,
    goal: 'overhead ≤ 5 %',
    met: overhead <= 0.05,
  };
}

/** The durations of every call in milliseconds, those of a first round left out, which warms both up. */
async function alternate(
  viaSdk: () => Promise<unknown>,
  bareFetch: () => Promise<unknown>,
  calls: number,
): Promise<{ ours: number[]; bare: number[] }> {
  const ours: number[] = [];
  const bare: number[] = [];
  const turns = [
    { call: viaSdk, durations: ours },
    { call: bareFetch, durations: bare },
  ];
  for (let round = 0; round <= ROUNDS; round++) {
    for (let count = 0; count < calls; count++) {
      for (const { call, durations } of (round + count) % 2 === 0 ? turns : turns.toReversed()) {
        const ms = await timed(call);
        if (round > 0) durations.push(ms);
      }
    }
  }
  return { ours, bare };
}

async function drain(stream: ReadableStream<Uint8Array> | null): Promise<void> {
  let bytes = 0;
  for await (const chunk of stream ?? []) bytes += chunk.length;
  if (bytes !== DOWNLOAD_BYTES) throw new Error(`${bytes} bytes came of ${DOWNLOAD_BYTES}`);
}

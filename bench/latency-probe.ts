import { Agent, get } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Calls a URL again and again over one connection, in a process of its own, so that nothing else of the benchmark delays it.
 * Once asked to stop, it prints each latency in milliseconds as one line of JSON. Argument: the URL.
 */
const PAUSE_MS = 5;

const [url = ''] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const latencies: number[] = [];
let stopped = false;
process.on('SIGTERM', () => (stopped = true));

const call = (): Promise<void> =>
  new Promise((resolve, reject) => {
    get(url, { agent }, (response) => {
      response.resume().once('end', resolve);
      if (response.statusCode !== 200) reject(new Error(`${url}: ${String(response.statusCode)}`));
    }).once('error', reject);
  });

async function main(): Promise<void> {
  // The first call opens the connection.
  await call();
  console.log(JSON.stringify({ ready: 'latency-probe' }));
  while (!stopped) {
    const start = performance.now();
    await call();
    latencies.push(performance.now() - start);
    await delay(PAUSE_MS);
  }
  console.log(JSON.stringify(latencies));
  agent.destroy();
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});

import { setTimeout as delay } from 'node:timers/promises';
import { CosmosClient } from '@azure/cosmos';
import { Client, Message } from 'azure-iot-device';
import { Mqtt } from 'azure-iot-device-mqtt';
import type { LocalStack, StackFacts } from '../apps/local-stack/src/local-stack.js';
import { formatMs, median, quantile, timed, type Result, type Scenario } from './scenario.js';
import { withStack } from './stack.js';

const DOCUMENTS = 2_000;
const PER_SECOND = 50;
const MESSAGES = 1_000;
const BACKLOG = 2_000;
const ROUNDS = 3;
/** The most operations of one bulk call. */
const BULK = 100;
const PAGE = 100;
/** Reading loads the same Cosmos DB that is being written to. */
const POLL_MS = 250;
/** What is not visible after this counts as lost. */
const LIMIT_MS = 60_000;

export const telemetry: Scenario = {
  name: 'telemetry',
  run: () => withStack(async (facts, stack) => [...(await visibility(facts)), ...(await backlog(facts, stack))]),
};

/** How long after it was sent a message is in the answer of the API. */
async function visibility(facts: StackFacts): Promise<Result[]> {
  const device = await openDevice(facts, 'bench-visible');
  try {
    await sendAll(device, DOCUMENTS);
    await arrivalOf(DOCUMENTS - 1, facts, 'bench-visible');

    const sentMs = new Map<number, number>();
    const confirmed: number[] = [];
    const visible = new Map<number, number>();
    const reads: number[] = [];
    const sending = (async () => {
      const startMs = performance.now();
      const confirmations: Promise<unknown>[] = [];
      for (let index = 0; index < MESSAGES; index++) {
        await delay(Math.max(0, startMs + (index * 1_000) / PER_SECOND - performance.now()));
        const number = DOCUMENTS + index;
        sentMs.set(number, performance.now());
        confirmations.push(timed(() => send(device, number)).then((ms) => confirmed.push(ms)));
      }
      await Promise.all(confirmations);
    })();
    const endMs = performance.now() + (MESSAGES / PER_SECOND) * 1_000 + LIMIT_MS;
    while (visible.size < MESSAGES && performance.now() < endMs) {
      const numbers = await readNumbers(facts, 'bench-visible', reads);
      const nowMs = performance.now();
      for (const number of numbers) {
        const sent = sentMs.get(number);
        if (sent !== undefined && !visible.has(number)) visible.set(number, nowMs - sent);
      }
    }
    await sending;
    const latencies = [...visible.values()];
    const p99 = quantile(latencies, 0.99);
    const lost = MESSAGES - visible.size;
    return [
      {
        what: `telemetry: from the device's send to GET /telemetry, ${PER_SECOND} messages/s, ${DOCUMENTS.toLocaleString('en')} documents (${MESSAGES.toLocaleString('en')} messages)`,
        measured: `p50 ${formatMs(median(latencies))}, p99 ${formatMs(p99)}, never seen: ${lost}; a page of ${PAGE} takes ${formatMs(median(reads))}`,
        baseline: `the hub's confirmation of the same messages: p50 ${formatMs(median(confirmed))}, p99 ${formatMs(quantile(confirmed, 0.99))}`,
        goal: 'p99 ≤ 2 s',
        met: p99 <= 2_000 && lost === 0,
      },
    ];
  } finally {
    await device.close();
  }
}

/** Cosmos DB stands still while messages come in; then it goes on. */
async function backlog(facts: StackFacts, stack: LocalStack): Promise<Result[]> {
  const cosmos = stack.processIds['local-cosmos'] ?? 0;
  const device = await openDevice(facts, 'bench-backlog');
  const drained: number[] = [];
  const bare: number[] = [];
  try {
    for (let round = 0; round < ROUNDS; round++) {
      bare.push(await timed(() => bareBulk(facts)));
      process.kill(cosmos, 'SIGSTOP');
      try {
        await sendAll(device, BACKLOG, round * BACKLOG);
      } finally {
        process.kill(cosmos, 'SIGCONT');
      }
      // Messages of one device arrive in order: the last one says that all are there.
      drained.push(await timed(() => arrivalOf((round + 1) * BACKLOG - 1, facts, 'bench-backlog')));
    }
  } finally {
    await device.close();
  }
  const perSecond = (ms: number): number => Math.round(BACKLOG / (ms / 1_000));
  const rate = (ms: number): string => `${perSecond(ms).toLocaleString('en')} messages/s`;
  return [
    {
      what: `telemetry: a backlog of ${BACKLOG.toLocaleString('en')} messages drains into Cosmos DB after it stood still (median of ${ROUNDS})`,
      measured: `${rate(median(drained))} (${formatMs(median(drained))} until the last can be read)`,
      baseline: `@azure/cosmos straight into Cosmos DB, ${BULK} operations a bulk call: ${rate(median(bare))}`,
      goal: '≥ 1,000 messages/s',
      met: perSecond(median(drained)) >= 1_000,
    },
  ];
}

/** Into the same container, which then forgets as many old documents. */
async function bareBulk({ cosmosConnectionString }: StackFacts): Promise<void> {
  const container = new CosmosClient(cosmosConnectionString).database('spyglass').container('telemetry');
  const partitionKey = 'bare';
  for (let start = 0; start < BACKLOG; start += BULK) {
    const operations = Array.from({ length: BULK }, (_, index) => ({
      operationType: 'Upsert' as const,
      partitionKey,
      resourceBody: { id: String(start + index), partitionKey, Body: bodyOf(start + index) },
    }));
    // The call that replaces it waits a second for more operations. It is what the hub uses, too.
    // eslint-disable-next-line @typescript-eslint/no-deprecated
    const results = await container.items.bulk(operations);
    const failed = results.find(({ statusCode }) => statusCode >= 400);
    if (failed) throw new Error(`bulk: ${failed.statusCode}`);
  }
}

async function openDevice(facts: StackFacts, deviceId: string): Promise<Client> {
  const response = await fetch(`${facts.apiUrl}/iot_hub/devices`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ device_id: deviceId }),
  });
  if (response.status !== 201) throw new Error(`POST /iot_hub/devices: ${response.status}`);
  const { connection_string } = (await response.json()) as { connection_string: string };
  const device = Client.fromConnectionString(connection_string, Mqtt);
  await device.open();
  return device;
}

const bodyOf = (number: number) => ({ number, filling: 'x'.repeat(200) });

function send(device: Client, number: number): Promise<unknown> {
  const message = new Message(Buffer.from(JSON.stringify(bodyOf(number))));
  message.contentType = 'application/json';
  message.contentEncoding = 'utf-8';
  message.properties.add('kind', 'telemetry');
  return device.sendEvent(message);
}

async function sendAll(device: Client, count: number, first = 0): Promise<void> {
  const window = 100;
  for (let start = first; start < first + count; start += window) {
    await Promise.all(Array.from({ length: window }, (_, index) => send(device, start + index)));
  }
}

/** Waits for a message among the newest ones: those of the same millisecond have no order. */
async function arrivalOf(number: number, facts: StackFacts, deviceId: string): Promise<void> {
  const endMs = performance.now() + LIMIT_MS;
  while (!(await readNumbers(facts, deviceId)).includes(number)) {
    await delay(POLL_MS);
    if (performance.now() > endMs) throw new Error(`message ${number} of ${deviceId} was not there in time`);
  }
}

/** The numbers in a device's newest page of messages. */
async function readNumbers(facts: StackFacts, deviceId: string, reads: number[] = []): Promise<number[]> {
  let numbers: number[] = [];
  reads.push(
    await timed(async () => {
      const response = await fetch(`${facts.apiUrl}/telemetry?device_id=${deviceId}&limit=${PAGE}`);
      if (response.status !== 200) throw new Error(`GET /telemetry: ${response.status} ${await response.text()}`);
      const { items } = (await response.json()) as { items: { body: { number: number } }[] };
      numbers = items.map(({ body }) => body.number);
    }),
  );
  return numbers;
}

import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { TestIotHub } from '../../support/iot-hub.js';
import { httpsCall } from '../../support/https-call.js';
import { serviceToken } from '../../support/service-token.js';
import { storedMessages } from '../../support/stored-messages.js';
import type { SeededRandom } from '../support/seeded-random.js';
import { WatchedFlushes } from './watched-flushes.js';
import { type LogPosition, logPosition } from './write-ahead-log.js';

export const DATABASE = 'iot-hub.db';
export const LOG = `${DATABASE}-wal`;

/** The files right after the hub has acknowledged something. */
export interface Moment {
  /** 1 for the first thing acknowledged. */
  readonly number: number;
  readonly kind: Kind;
  readonly database: Buffer;
  readonly round: LogRound;
  /** How much of the log was on disk by then: of what is beyond, a power cut may take all. */
  readonly position: LogPosition;
}

/** One round of writing the log: it is one file that grows, so one copy of it will do. */
interface LogRound {
  /** As it was at the round's last moment. */
  log: Buffer;
  /** What the round has written over. */
  readonly before: Buffer;
}

/** The log's file at a moment, without what was not on disk yet. */
export const logAt = ({ round, position }: Moment): Buffer =>
  Buffer.concat([round.log.subarray(0, position.end), round.before.subarray(position.end)]);

const KINDS = ['message', 'message', 'message', 'twin', 'device'] as const;
type Kind = (typeof KINDS)[number];

export const DEVICE = 'worker';

/** That the log is moved into the database must have been seen more than once. */
const LEAST_CHECKPOINTS = 2;

/** Does one thing after the other with a hub, and keeps its files after each. */
export async function recordWork(
  hub: TestIotHub,
  directory: string,
  { count, random }: { count: number; random: SeededRandom },
): Promise<Moment[]> {
  const moments: Moment[] = [];
  let database = Buffer.alloc(0);
  let databaseTime = -1;
  let round: LogRound = { log: Buffer.alloc(0), before: Buffer.alloc(0) };
  let checkpoints = 0;
  const flushes = new WatchedFlushes(join(directory, LOG));
  for (let number = 1; number <= count || checkpoints < LEAST_CHECKPOINTS; number += 1) {
    const kind = random.pick(KINDS);
    await act(hub, kind, number, random);
    const { mtimeMs } = statSync(join(directory, DATABASE));
    if (mtimeMs !== databaseTime) {
      database = readFileSync(join(directory, DATABASE));
      // The first is how it was found.
      if (databaseTime >= 0) checkpoints += 1;
    }
    databaseTime = mtimeMs;
    const log = readFileSync(join(directory, LOG));
    const position = flushes.surelyOnDisk(logPosition(log));
    if (position.salts !== moments.at(-1)?.position.salts) round = { log, before: round.log };
    round.log = log;
    moments.push({ number, kind, database, round, position });
  }
  flushes.stop();
  return moments;
}

async function act(hub: TestIotHub, kind: Kind, number: number, random: SeededRandom): Promise<unknown> {
  switch (kind) {
    case 'message': {
      const body = String(number).padEnd(random.int(1, 240_000));
      return call(hub, 'POST', `/devices/${DEVICE}/messages/events`, body);
    }
    case 'twin': {
      const body = { tags: { number }, properties: { desired: { number } } };
      return call(hub, 'PATCH', `/twins/${DEVICE}`, JSON.stringify(body));
    }
    case 'device': {
      const deviceId = `made-${number}`;
      return call(hub, 'PUT', `/devices/${deviceId}`, JSON.stringify({ deviceId }));
    }
  }
}

async function call(hub: TestIotHub, method: string, path: string, body?: string): Promise<string> {
  const reply = await httpsCall(hub.agent, {
    method,
    path: `${path}?api-version=2021-04-12`,
    headers: { authorization: serviceToken(hub) },
    ...(body !== undefined && { body }),
  });
  if (reply.status >= 300) throw new Error(`${method} ${path} was answered with ${reply.status}: ${reply.body}`);
  return reply.body;
}

/**
 * How far a hub's state goes: the last thing done that is there.
 *
 * @throws Error when something is there, but not all that was done before it.
 */
export async function lastThingThere(hub: TestIotHub, directory: string, moments: readonly Moment[]): Promise<number> {
  const devices = JSON.parse(await call(hub, 'GET', '/devices')) as { deviceId: string }[];
  const { tags, properties } = JSON.parse(await call(hub, 'GET', `/twins/${DEVICE}`)) as TwinView;
  const there: Record<Kind, readonly number[]> = {
    message: storedMessages(directory, DEVICE).map(({ body }) => Number(body)),
    device: devices.map(({ deviceId }) => Number(deviceId.replace('made-', ''))).filter(Number.isFinite),
    twin: [properties.desired.number ?? 0],
  };
  if (tags?.number !== properties.desired.number) throw new Error('Half a change of the twin is there.');
  const last = Math.max(...there.message, ...there.device, ...there.twin);
  const before = (kind: Kind) => moments.filter((moment) => moment.kind === kind && moment.number <= last);
  const lost = [...before('message'), ...before('device')].filter(({ kind, number }) => !there[kind].includes(number));
  if (lost.length > 0) throw new Error(`${last} is there, but not ${lost.map(({ number }) => number).join(', ')}.`);
  const lastChange = before('twin').at(-1)?.number ?? 0;
  if (there.twin[0] !== lastChange) throw new Error(`${last} is there, but the twin has ${there.twin[0]}.`);
  return last;
}

interface TwinView {
  readonly tags?: { readonly number?: number };
  readonly properties: { readonly desired: { readonly number?: number } };
}

import type { Duplex } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { pino } from 'pino';
import { AmqpTestClient } from '../../../test-support/amqp-client.js';
import { streamPair } from '../../../test-support/stream-pair.js';
import { aHub, aToken, type TestHub } from '../../../test-support/test-hub.js';
import { createIdentity } from '../../hub/registry/identities.js';
import { type AmqpEndpoint, createAmqpEndpoint } from './amqp-endpoint.js';

/** rhea's frames, which it does not export: a client that obeys its own rules could not break ours. */
interface Frames {
  open(fields: object): object;
  begin(fields: object): object;
  attach(fields: object): object;
  flow(fields: object): object;
  transfer(fields: object): object;
  disposition(fields: object): object;
  detach(fields: object): object;
  end(fields: object): object;
  amqp_frame(channel: number, performative?: object, payload?: Buffer): object;
  sasl_init(fields: object): object;
  sasl_frame(performative: object): object;
  write_frame(frame: object): Buffer;
}
const frames = jest.requireActual<Frames>('rhea/lib/frames.js');
const terminus = jest.requireActual<{ target(fields: object): { described(): object } }>('rhea/lib/terminus.js');

/** Many connections, on a machine that may have much else to do. */
const LIMIT_MS = 60_000;
const HEADER = Buffer.from('AMQP\0\x01\0\0');
const SASL_HEADER = Buffer.from('AMQP\x03\x01\0\0');
const write = (performative?: object, { channel = 0, payload }: { channel?: number; payload?: Buffer } = {}) =>
  frames.write_frame(frames.amqp_frame(channel, performative, payload));
const open = (fields = {}) => write(frames.open({ container_id: 'c', ...fields }));
const begin = (channel = 0) =>
  write(frames.begin({ next_outgoing_id: 0, incoming_window: 100, outgoing_window: 100 }), { channel });
const attach = (handle: number, fields: object = {}) =>
  write(
    frames.attach({
      name: `link${handle}`,
      handle,
      role: false,
      initial_delivery_count: 0,
      target: terminus.target({ address: '$cbs' }).described(),
      ...fields,
    }),
  );
const transfer = (id: number, payload: Buffer, fields: object = {}) =>
  write(frames.transfer({ handle: 0, delivery_id: id, delivery_tag: Buffer.from([id % 256]), ...fields }), { payload });
const flow = (fields: object) =>
  write(frames.flow({ next_incoming_id: 0, incoming_window: 9, next_outgoing_id: 0, outgoing_window: 9, ...fields }));
/** A frame of a body that is no performative, or none that rhea would write. */
const raw = (...body: number[]) => Buffer.concat([size(8 + body.length), Buffer.from([2, 0, 0, 0, ...body])]);
const size = (bytes: number) => {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(bytes);
  return buffer;
};
/** A message whose body is null. */
const NOTHING = Buffer.from([0, 0x53, 0x77, 0x40]);
const ATTACHED = [HEADER, open(), begin(), attach(0)];

describe('AMQP that no client speaks', () => {
  let hub: TestHub;
  let endpoint: AmqpEndpoint;
  let log: { level: number; msg: string; reason?: string }[];

  beforeEach(async () => {
    log = [];
    hub = aHub({ logger: pino({ level: 'debug' }, { write: (line) => void log.push(JSON.parse(line) as never) }) });
    endpoint = createAmqpEndpoint(hub);
    await createIdentity(hub, { deviceId: 'd1' });
    // rhea tells of some nonsense there.
    for (const method of ['error', 'warn', 'trace'] as const) {
      jest.spyOn(console, method).mockImplementation(() => undefined);
    }
  });
  afterEach(async () => {
    await serves();
    expect(log.filter(({ level }) => level >= 50)).toEqual([]);
    hub.store.close();
    jest.restoreAllMocks();
  });

  function connect(): Duplex {
    const [mine, theirs] = streamPair();
    mine.on('error', () => undefined).resume();
    mine.once('end', () => mine.end());
    endpoint.accept(theirs, 'peer');
    return mine;
  }

  const token = () => {
    const key = hub.policies.find(({ name }) => name === 'service')?.primaryKey ?? '';
    return aToken('localhost', key, hub.clock.nowMs() + 3_600_000, 'service');
  };

  /** An honest client is served, whatever has happened. */
  async function serves(): Promise<void> {
    const client = new AmqpTestClient(endpoint.accept);
    expect((await client.putToken(token())).status).toBe(200);
    client.stream.destroy();
    await client.closed();
  }

  function keptBytes(): number {
    setFlagsFromString('--expose-gc');
    (runInNewContext('gc') as () => void)();
    return process.memoryUsage().arrayBuffers;
  }

  /** Resolves once no more than that is kept: buffers that are garbage are given back in the background, in V8's own time. */
  async function forgotten(mostBytes: number): Promise<void> {
    for (let kept = keptBytes(); kept > mostBytes; kept = keptBytes()) await nextTurn();
  }

  /** Resolves once the other side has taken all but what its buffer holds. */
  const written = (stream: Duplex, chunk: Buffer) =>
    new Promise<void>((resolve) => {
      stream.write(chunk, () => {
        resolve();
      });
    });

  const closed = (stream: Duplex) =>
    new Promise<void>((resolve) => {
      if (stream.destroyed) resolve();
      else stream.once('close', resolve);
    });

  it.each<[string, Buffer[], string]>([
    ['a frame of 4 GiB', [HEADER, size(0xffff_ffff), Buffer.alloc(4)], 'a frame of 4294967295 bytes'],
    ['a frame of 64 KiB and a byte', [HEADER, size(65_537), Buffer.alloc(4)], 'a frame of 65537 bytes'],
    ['a frame of 7 bytes', [HEADER, size(7), Buffer.alloc(4)], 'a frame of 7 bytes'],
    ['another protocol', [Buffer.from('AMQP\x01\x01\x00\x0a')], 'Unsupported AMQP version: 0-10'],
    ['an older version', [Buffer.from('AMQP\0\0\x09\x01')], 'Unsupported AMQP version: 0-9-1'],
    ['a list of 4 billion items', [HEADER, raw(0, 0x53, 0x10, 0xd0, 0, 0, 0, 4, 255, 255, 255, 255)], 'in fewer bytes'],
    [
      'an array of 4 billion nulls',
      [HEADER, raw(0, 0x53, 0x10, 0xc0, 12, 1, 0xf0, 0, 0, 0, 5, 255, 255, 255, 255, 0x40)],
      'in fewer bytes',
    ],
    [
      'lists within lists',
      [HEADER, raw(0, 0x53, 0x10, ...Array.from({ length: 6_000 }, () => [0xd0, 255, 0, 0, 0, 0, 0, 0, 1]).flat())],
      '',
    ],
    ['descriptors within descriptors', [HEADER, raw(...Array<number>(60_000).fill(0))], ''],
    ['an unknown performative', [HEADER, open(), raw(0, 0x53, 0x99, 0x45)], ''],
    ['an unknown type', [HEADER, raw(0, 0x53, 0x10, 0x3f)], 'Unrecognised typecode: 3f'],
    ['a begin before the open', [HEADER, begin()], 'on_begin without an open'],
    ['two opens', [HEADER, open(), open()], 'Open already received'],
    ['frames too small to hold anything', [HEADER, open({ max_frame_size: 1 })], 'max-frame-size is below 512'],
    ['heartbeats without pause', [HEADER, open({ idle_time_out: 1 })], 'idle-time-out is below 1000 ms'],
    ['a channel used twice', [HEADER, open(), begin(), begin()], 'channel 0 is in use'],
    [
      'sessions without end',
      [HEADER, open(), ...Array.from({ length: 65 }, (_, index) => begin(index))],
      'more than 64 sessions',
    ],
    [
      'links without end',
      [HEADER, open(), begin(), ...Array.from({ length: 257 }, (_, index) => attach(index))],
      'more than 256 links',
    ],
    ['a link without a session', [HEADER, open(), attach(0)], 'no session on channel 0'],
    ['a handle used twice', [...ATTACHED, attach(0, { name: 'other' })], 'handle 0 is in use'],
    ['a name used twice', [...ATTACHED, attach(1, { name: 'link0' })], 'a link of this name is attached'],
    ['a name that is part of every object', [HEADER, open(), begin(), attach(0, { name: '__proto__' })], ''],
    ['a flow of an unknown handle', [...ATTACHED, flow({ handle: 7, link_credit: 1 })], 'no link with this handle'],
    ['a transfer of an unknown handle', [...ATTACHED, transfer(0, Buffer.alloc(1), { handle: 7 })], 'no link'],
    [
      'a transfer on a link that receives',
      [HEADER, open(), begin(), attach(0, { role: true }), transfer(0, Buffer.alloc(1))],
      'a transfer on a link that only receives',
    ],
    [
      'more messages than credit',
      [...ATTACHED, Buffer.concat(Array.from({ length: 300 }, (_, id) => transfer(id, NOTHING)))],
      'more messages than credit',
    ],
    ['a message that is none', [...ATTACHED, transfer(0, Buffer.from([0xff]))], 'Unrecognised typecode: ff'],
    [
      'an outcome for 4 billion messages',
      [...ATTACHED, write(frames.disposition({ role: true, first: 0, last: 0xffff_ffff }))],
      'a disposition of too many deliveries',
    ],
    ['a second SASL init', [SASL_HEADER, ...Array<Buffer>(2).fill(saslInit('ANONYMOUS'))], ''],
    ['frames of AMQP within SASL', [SASL_HEADER, open()], 'Invalid frame type: 0'],
    ['a detach of nothing', [...ATTACHED, write(frames.detach({ handle: 9 }))], 'Invalid handle 9'],
    ['an end of nothing', [HEADER, open(), write(frames.end({}), { channel: 5 })], 'invalid channel 5'],
  ])('ends the connection: %s', async (_name, bytes, reason) => {
    const stream = connect();
    for (const chunk of bytes) stream.write(chunk);
    await closed(stream);
    const lines = log.filter(({ msg }) => msg === 'Connection closed by the hub');
    expect(lines).toHaveLength(1);
    expect(lines[0]?.reason).toContain(reason);
  });

  it(
    'keeps nothing of a message that has no end',
    async () => {
      const stream = connect();
      for (const chunk of ATTACHED) stream.write(chunk);
      const before = keptBytes();
      for (let index = 0; index < 2_000; index += 1) {
        await written(stream, transfer(0, Buffer.alloc(60_000), { more: true }));
      }
      await forgotten(before + 8 * 2 ** 20);
      const answer = new Promise<void>((resolve) => {
        stream.on('data', (chunk: Buffer) => {
          if (chunk.includes('amqp:link:message-size-exceeded')) resolve();
        });
      });
      stream.write(transfer(0, Buffer.alloc(1)));
      await answer;
      stream.destroy();
      await closed(stream);
    },
    LIMIT_MS,
  );

  it(
    'reads frames however they are cut',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 50 }), async (cuts) => {
          const stream = connect();
          const opened = new Promise<void>((resolve) => {
            stream.on('data', (chunk: Buffer) => {
              // The attach that answers ours.
              if (chunk.includes('link0')) resolve();
            });
          });
          const bytes = Buffer.concat([SASL_HEADER, saslInit('ANONYMOUS'), ...ATTACHED]);
          for (let at = 0, index = 0; at < bytes.length; index += 1) {
            const end = at + (cuts[index % cuts.length] ?? 1);
            stream.write(bytes.subarray(at, end));
            at = end;
          }
          await opened;
          stream.destroy();
          await closed(stream);
        }),
        { numRuns: 50 },
      );
    },
    LIMIT_MS,
  );

  it(
    'survives what a session becomes when its bytes are spoilt',
    async () => {
      const spoken = await recordSession();
      const { timers } = hub.clock;
      const place = fc.integer({ min: 0, max: spoken.length - 1 });
      const spoil = fc.oneof(
        fc.record({
          at: place,
          kind: fc.constant('flip' as const),
          offset: fc.nat(400),
          by: fc.integer({ min: 1, max: 255 }),
        }),
        fc.record({
          at: place,
          kind: fc.constant('grow' as const),
          bytes: fc.uint8Array({ minLength: 1, maxLength: 64 }),
        }),
        fc.record({
          at: place,
          kind: fc.constant('body' as const),
          bytes: fc.uint8Array({ minLength: 0, maxLength: 64 }),
        }),
        fc.record({ at: place, kind: fc.constant('cut' as const), offset: fc.nat(400) }),
        fc.record({ at: place, kind: fc.constant('move' as const), to: place }),
        fc.record({ at: place, kind: fc.constant('twice' as const) }),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(spoil, { minLength: 1, maxLength: 3 }), async (spoils) => {
          const stream = connect();
          for (const chunk of spoils.reduce(spoilt, spoken)) stream.write(chunk);
          for (let turn = 0; turn < 6; turn += 1) await nextTurn();
          stream.end();
          await closed(stream);
          await nextTurn();
        }),
        { numRuns: 1_000, seed: 5671 },
      );
      expect(hub.clock.timers).toBeLessThanOrEqual(timers);
    },
    LIMIT_MS,
  );

  type Spoil =
    | { at: number; kind: 'flip'; offset: number; by: number }
    | { at: number; kind: 'grow' | 'body'; bytes: Uint8Array }
    | { at: number; kind: 'cut'; offset: number }
    | { at: number; kind: 'move'; to: number }
    | { at: number; kind: 'twice' };

  function spoilt(chunks: readonly Buffer[], spoil: Spoil): readonly Buffer[] {
    const result = [...chunks];
    const chunk = Buffer.from(chunks[spoil.at] ?? HEADER);
    switch (spoil.kind) {
      case 'flip': {
        const offset = spoil.offset % chunk.length;
        chunk.writeUInt8(chunk.readUInt8(offset) ^ spoil.by, offset);
        return result.with(spoil.at, chunk);
      }
      case 'grow':
        return result.with(spoil.at, Buffer.concat([chunk, spoil.bytes]));
      case 'body':
        return result.with(spoil.at, raw(...spoil.bytes));
      case 'cut':
        return result.with(spoil.at, chunk.subarray(0, spoil.offset % chunk.length));
      case 'move':
        result.splice(spoil.to, 0, ...result.splice(spoil.at, 1));
        return result;
      case 'twice':
        return result.toSpliced(spoil.at, 0, chunk);
    }
  }

  /** What an honest client writes, a frame an element: a token, a message, and a link to receive on. */
  async function recordSession(): Promise<Buffer[]> {
    const written: Buffer[] = [];
    const client = new AmqpTestClient((theirs, peer) => {
      theirs.on('data', (chunk: Buffer) => written.push(chunk));
      endpoint.accept(theirs, peer);
    });
    await client.putToken(token());
    const sender = await client.sender('/messages/devicebound');
    await client.send(sender, { to: '/devices/d1/messages/devicebound', body: 'x' });
    const { receiver } = await client.receiver('/messages/serviceBound/feedback');
    receiver.add_credit(5);
    for (let turn = 0; turn < 10; turn += 1) await nextTurn();
    client.stream.destroy();
    await client.closed();
    return written;
  }
});

function saslInit(mechanism: string): Buffer {
  return frames.write_frame(frames.sasl_frame(frames.sasl_init({ mechanism })));
}

import type { Duplex } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { streamPair } from '../../../../test-support/stream-pair.js';
import { FrameStream } from './frame-stream.js';

const HEADER = Buffer.from('AMQP\0\x01\0\0');
const SASL_HEADER = Buffer.from('AMQP\x03\x01\0\0');
const SASL_FRAME = 1;

const frame = (sizeBytes: number, type = 0): Buffer => {
  const bytes = Buffer.alloc(sizeBytes);
  bytes.writeUInt32BE(sizeBytes);
  bytes[4] = 2;
  bytes[5] = type;
  return bytes;
};

describe(FrameStream.name, () => {
  let client: Duplex;
  let stream: FrameStream;
  let given: Buffer[];
  let events: string[];

  beforeEach(() => {
    const [mine, theirs] = streamPair();
    client = mine;
    given = [];
    events = [];
    stream = new FrameStream(theirs, {
      violation: (reason) => events.push(`violation: ${reason}`),
      drained: () => events.push('drained'),
      closed: () => events.push('closed'),
    });
    stream.on('data', (bytes: Buffer) => given.push(bytes));
    stream.on('end', () => events.push('end'));
    stream.start();
  });
  afterEach(async () => {
    client.destroy();
    await turns();
    expect(events.at(-1)).toBe('closed');
  });

  const turns = async (count = 5) => {
    for (let turn = 0; turn < count; turn += 1) await nextTurn();
  };

  it('hands on whole frames only, as many as there are', async () => {
    const bytes = Buffer.concat([HEADER, frame(20), frame(30), frame(40)]);
    client.write(bytes.subarray(0, 70));
    await turns();
    expect(Buffer.concat(given)).toEqual(bytes.subarray(0, 58));
    client.write(bytes.subarray(70));
    await turns();
    expect(Buffer.concat(given)).toEqual(bytes);
    expect(given.map(({ length }) => length)).toEqual([8, 50, 40]);
  });

  it('hands on what belongs to SASL one by one', async () => {
    client.write(Buffer.concat([SASL_HEADER, frame(20, SASL_FRAME), HEADER, frame(30)]));
    await turns();
    expect(given.map(({ length }) => length)).toEqual([8, 20, 8, 30]);
  });

  it('takes a frame of 64 KiB, and ends with one byte more', async () => {
    client.write(frame(64 * 1024));
    await turns();
    expect(given.map(({ length }) => length)).toEqual([64 * 1024]);
    client.write(frame(64 * 1024 + 1));
    client.resume();
    await turns();
    expect(events[0]).toContain('violation: a frame of 65537 bytes');
    client.write(frame(20));
    await turns();
    expect(given).toHaveLength(1);
  });

  it('reads no more of a client that does not read, until it does', async () => {
    client.pause();
    while (!stream.isCongested) stream.write(Buffer.alloc(64 * 1024));
    await turns();
    for (let index = 0; index < 100; index += 1) client.write(frame(10_000));
    await turns();
    const read = given.length;
    await turns();
    expect(given.length).toBe(read);
    expect(Buffer.concat(given).length).toBeLessThan(500_000);
    client.resume();
    await turns(400);
    expect(events).toContain('drained');
    expect(stream.isCongested).toBe(false);
    expect(Buffer.concat(given).length).toBe(1_000_000);
  });

  it('tells of the end once, and stops rhea first', async () => {
    client.destroy();
    await turns();
    stream.end();
    stream.destroy();
    expect(events).toEqual(['end', 'closed']);
    expect(stream.isCongested).toBe(true);
  });
});

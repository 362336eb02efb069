import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Outbox, type OutboxMessage } from './outbox.js';

const BODY_BYTES = 872;

/** Takes 1,000 bytes in the outbox. */
const aMessage = (messageId: string, kind = 'telemetry'): OutboxMessage => ({
  messageId,
  kind,
  createdAt: '2026-11-23T06:00:00.000Z',
  body: JSON.stringify('x'.repeat(BODY_BYTES - 2)),
});

describe(Outbox.name, () => {
  let directory: string;
  let outbox: Outbox;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'outbox-'));
    outbox = open(3_000);
  });
  afterEach(async () => {
    outbox.close();
    await rm(directory, { recursive: true });
  });

  const open = (maxBytes: number): Outbox => new Outbox({ file: join(directory, 'deep/outbox.db'), maxBytes });
  const waiting = (): string[] => outbox.oldest(100).map(({ messageId }) => messageId);
  const add = (...messages: [messageId: string, kind?: string][]): void => {
    for (const message of messages) outbox.add(aMessage(...message));
  };

  it('gives messages back in order, whole, until they are removed', () => {
    add(['t1'], ['c1', 'capture'], ['t2']);
    expect(outbox.oldest(2)).toEqual([aMessage('t1'), aMessage('c1', 'capture')]);
    expect(waiting()).toEqual(['t1', 'c1', 't2']);
    outbox.remove(['c1', 't1', 'never-there']);
    expect(waiting()).toEqual(['t2']);
  });

  it('lets the oldest telemetry give way, never a capture before it', () => {
    add(['c1', 'capture'], ['t1'], ['t2'], ['c2', 'capture']);
    expect(waiting()).toEqual(['c1', 't2', 'c2']);
    add(['t3']);
    expect(waiting()).toEqual(['c1', 'c2', 't3']);
    add(['c3', 'capture'], ['c4', 'capture']);
    expect(waiting()).toEqual(['c2', 'c3', 'c4']);
    expect(outbox.dropped).toBe(4);
    add(['t4']);
    expect(waiting()).toEqual(['c2', 'c3', 'c4']);
    expect(outbox.dropped).toBe(5);
  });

  it('counts the room that removed messages leave', () => {
    add(['t1'], ['t2'], ['t3']);
    outbox.remove(['t1', 't2']);
    add(['t4'], ['t5']);
    expect(waiting()).toEqual(['t3', 't4', 't5']);
    expect(outbox.dropped).toBe(0);
  });

  it('drops a message that is larger than all the room there is', () => {
    add(['t1']);
    outbox.add({ ...aMessage('huge', 'capture'), body: 'x'.repeat(4_000) });
    expect(waiting()).toEqual([]);
    expect(outbox.dropped).toBe(2);
  });

  it('has messages, room and drops again when it is opened anew', () => {
    add(['t1'], ['t2'], ['t3'], ['t4']);
    outbox.close();
    outbox = open(3_000);
    expect(waiting()).toEqual(['t2', 't3', 't4']);
    expect(outbox.dropped).toBe(1);
    add(['t5']);
    expect(waiting()).toEqual(['t3', 't4', 't5']);
    expect(outbox.dropped).toBe(2);
  });

  it('refuses what it holds already, and stays as it was', () => {
    add(['t1'], ['t2'], ['t3']);
    expect(() => {
      add(['t3']);
    }).toThrow(/UNIQUE/);
    expect(waiting()).toEqual(['t1', 't2', 't3']);
    expect(outbox.dropped).toBe(0);
    add(['t4']);
    expect(waiting()).toEqual(['t2', 't3', 't4']);
  });

  it('belongs to one process', () => {
    expect(() => open(3_000)).toThrow(expect.objectContaining({ code: 'OUTBOX.UNUSABLE' }));
  });

  it('says so when its file is not one of its own', async () => {
    const file = join(directory, 'other.db');
    await writeFile(file, 'hello '.repeat(1_000));
    expect(() => new Outbox({ file, maxBytes: 1 })).toThrow(
      expect.objectContaining({ code: 'OUTBOX.UNUSABLE', message: expect.stringContaining(file) }),
    );
  });
});

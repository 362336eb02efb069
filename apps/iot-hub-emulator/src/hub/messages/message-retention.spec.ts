import { aHub, type TestHub } from '../../../test-support/test-hub.js';
import type { DeviceIdentity } from '../access/device-identity.js';
import { appendMessages } from './append-messages.js';
import { deleteExpiredMessages } from './message-retention.js';
import { readLog } from './read-log.js';
import { partitionOf } from './partition.js';

const device: DeviceIdentity = {
  deviceId: 'd1',
  generationId: '1',
  authScope: 'device',
  authType: 'sas',
  expiresAtMs: Infinity,
};

describe(deleteExpiredMessages.name, () => {
  let hub: TestHub;
  beforeEach(() => {
    hub = aHub();
  });
  afterEach(() => {
    hub.store.close();
  });
  const append = (text: string) =>
    appendMessages(hub, device, [{ body: Buffer.from(text), systemProperties: {}, properties: {} }]);
  const kept = () =>
    readLog(hub.store, { bit: 1, after: 0, limit: 10_000 }).map(({ body }) => Buffer.from(body).toString());

  it('deletes what is older than the retention time and nothing else', async () => {
    await append('old');
    hub.clock.advance(1000);
    await append('young');
    hub.clock.advance(500);
    expect(await deleteExpiredMessages(hub, 1000)).toEqual({ messages: 1, isUnfinished: false });
    expect(kept()).toEqual(['young']);
    expect(await deleteExpiredMessages(hub, 1000)).toEqual({ messages: 0, isUnfinished: false });
  });

  it('works through a great many in several goes, and never gives a sequence number twice', async () => {
    for (let turn = 0; turn < 120; turn += 1) await Promise.all(Array.from({ length: 200 }, () => append('x')));
    hub.clock.advance(1);
    expect(await deleteExpiredMessages(hub, 0)).toMatchObject({ isUnfinished: true });
    let last = await deleteExpiredMessages(hub, 0);
    while (last.isUnfinished) last = await deleteExpiredMessages(hub, 0);
    expect(kept()).toEqual([]);
    await append('next');
    expect(readLog(hub.store, { bit: 1, after: 0, limit: 1 })).toMatchObject([{ sequenceNumber: 24_001 }]);
  });
});

describe(partitionOf.name, () => {
  it('spreads devices over all partitions, each always to the same one', () => {
    const partitions = Array.from({ length: 1000 }, (_, index) => partitionOf(`device${index}`, 32));
    expect(new Set(partitions)).toEqual(new Set(Array.from({ length: 32 }, (_, index) => index)));
    // Of every version: a device's messages must not move.
    expect(partitionOf('device001', 4)).toBe(2);
  });
});

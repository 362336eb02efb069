import { aHub, type TestHub } from '../../../test-support/test-hub.js';
import type { DeviceIdentity } from '../access/device-identity.js';
import { appendMessages } from './append-messages.js';
import { deleteExpiredMessages } from './message-retention.js';
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
    hub.store
      .sql('SELECT body FROM messages ORDER BY sequence_number')
      .all()
      .map(({ body }) => Buffer.from(body as Uint8Array).toString());

  it('deletes what is older than the retention time and nothing else', async () => {
    await append('old');
    hub.clock.advance(1000);
    await append('young');
    hub.clock.advance(500);
    expect(await deleteExpiredMessages(hub, 1000)).toBe(1);
    expect(kept()).toEqual(['young']);
    expect(await deleteExpiredMessages(hub, 1000)).toBe(0);
  });

  it('works through a great many in several goes, and never gives a sequence number twice', async () => {
    await Promise.all(Array.from({ length: 2500 }, () => append('x')));
    hub.clock.advance(1);
    expect(await deleteExpiredMessages(hub, 0)).toBe(2000);
    expect(await deleteExpiredMessages(hub, 0)).toBe(500);
    await append('next');
    expect(hub.store.sql('SELECT sequence_number FROM messages').get()).toEqual({ sequence_number: 2501 });
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

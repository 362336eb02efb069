import { aHub, type TestHub } from '../../../test-support/test-hub.js';
import {
  abandonServiceMessage,
  completeServiceMessage,
  enqueueServiceMessage,
  receiveServiceMessage,
  releaseServiceMessages,
  watchServiceQueue,
} from './service-messages.js';

const LOCK_MS = 60_000;

describe('queues of what the hub tells services', () => {
  let hub: TestHub;
  beforeEach(() => {
    hub = aHub();
  });
  afterEach(() => {
    hub.store.close();
  });

  const enqueue = (...names: string[]) =>
    hub.store.write(() => {
      for (const name of names) enqueueServiceMessage(hub, 'fileNotifications', { deviceId: 'd', record: { name } });
    });
  const receive = (held = false) => {
    const message = receiveServiceMessage(hub, 'fileNotifications', { held });
    if (message === undefined) throw new Error('The queue has nothing to give.');
    return message;
  };

  it('wakes who watches once a message is on disk, and no longer than asked', async () => {
    let wakes = 0;
    const unwatch = watchServiceQueue(hub, 'fileNotifications', () => {
      wakes += 1;
    });
    const enqueued = enqueue('a');
    expect([wakes, receiveServiceMessage(hub, 'fileNotifications')]).toEqual([0, undefined]);
    await enqueued;
    expect([wakes, receive().body]).toEqual([1, { name: 'a' }]);
    unwatch();
    await enqueue('b');
    expect(wakes).toBe(1);
  });

  it('gives back all that a receiver held before it wakes the next one, so that order is kept', async () => {
    await enqueue('a', 'b', 'c');
    const held = [receive(true), receive(true)];
    const taken: unknown[] = [];
    watchServiceQueue(hub, 'fileNotifications', () => {
      for (;;) {
        const message = receiveServiceMessage(hub, 'fileNotifications', { held: true });
        if (message === undefined) return;
        taken.push(message.body);
      }
    });
    releaseServiceMessages(hub, 'fileNotifications', held.map(({ lockToken }) => lockToken).reverse());
    expect(taken).toEqual([{ name: 'a' }, { name: 'b' }, { name: 'c' }]);
  });

  it('gives a message again when its lock has lapsed, and takes no word of the old one', async () => {
    await enqueue('a');
    const { lockToken } = receive();
    hub.clock.advance(LOCK_MS);
    expect(receive()).toMatchObject({ body: { name: 'a' }, deliveryCount: 0 });
    for (const settle of [completeServiceMessage, abandonServiceMessage]) {
      await expect(settle(hub, 'fileNotifications', lockToken)).rejects.toMatchObject({
        errorName: 'DeviceMessageLockLost',
      });
    }
  });

  it('looks at each message a few times alone, however many a receiver holds', async () => {
    const count = 500;
    await enqueue(...Array.from({ length: count }, (_, index) => String(index)));
    const looks = jest.spyOn(hub.queues.serviceLocks.fileNotifications, 'isHidden');
    const held = Array.from({ length: count }, () => receive(true));
    expect(receiveServiceMessage(hub, 'fileNotifications')).toBeUndefined();
    for (const { lockToken } of held.slice(0, -1)) {
      await completeServiceMessage(hub, 'fileNotifications', lockToken);
      expect(receiveServiceMessage(hub, 'fileNotifications')).toBeUndefined();
    }
    expect(looks.mock.calls.length).toBeLessThanOrEqual(2 * count);
    releaseServiceMessages(hub, 'fileNotifications', [held.at(-1)?.lockToken ?? '']);
    expect(receive().body).toEqual({ name: '499' });
  });

  it('keeps the queues apart', async () => {
    await enqueue('a');
    const { lockToken } = receive();
    await expect(completeServiceMessage(hub, 'feedback', lockToken)).rejects.toMatchObject({
      errorName: 'DeviceMessageLockLost',
    });
    await completeServiceMessage(hub, 'fileNotifications', lockToken);
    expect(receiveServiceMessage(hub, 'fileNotifications')).toBeUndefined();
  });
});

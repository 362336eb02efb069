import { aDeviceBoundMessage as aMessage, takenFeedback, textOf } from '../../../test-support/device-messages.js';
import { aHub, START_MS, type TestHub } from '../../../test-support/test-hub.js';
import { utcText } from '../clock.js';
import type { DeviceConnection } from '../connections/device-connection.js';
import { renderMetrics } from '../metrics/render-metrics.js';
import { keepQueuesSwept } from '../queues/sweep-queues.js';
import { createIdentity, deleteIdentity, getIdentity, updateIdentity } from '../registry/identities.js';
import { abandonServiceMessage, receiveServiceMessage } from '../service-bound/service-messages.js';
import { purgeMessages } from './purge-messages.js';
import { receiveMessage } from './receive-message.js';
import { MAX_DEVICE_BOUND_BYTES, MAX_QUEUE_DEPTH, sendToDevice } from './send-to-device.js';
import { abandonMessage, completeMessage, rejectMessage, releaseMessages } from './settle-message.js';

const MINUTE_MS = 60_000;
const LOCK_LOST = { errorName: 'DeviceMessageLockLost', code: 412002, status: 412 };

describe('the queue of a device', () => {
  let hub: TestHub;
  let stop: () => void;
  beforeEach(async () => {
    hub = aHub();
    stop = keepQueuesSwept(hub);
    for (const deviceId of ['d1', 'd2']) await createIdentity(hub, { deviceId });
  });
  afterEach(() => {
    stop();
    hub.store.close();
  });

  const send = (...ids: string[]) => Promise.all(ids.map((id) => sendToDevice(hub, 'd1', aMessage(id))));
  const receive = () => {
    const message = receiveMessage(hub, 'd1');
    if (message === undefined) throw new Error('The queue has nothing to give.');
    return message;
  };
  const count = () => getIdentity(hub, { deviceId: 'd1' }).cloudToDeviceMessageCount;
  /** Lets time pass and what falls due in it happen. */
  const pass = async (ms: number) => {
    hub.clock.advance(ms);
    await hub.store.write(() => undefined);
  };

  it('gives messages in the order they were sent, each to one receiver', async () => {
    await send('a', 'b');
    expect(textOf(receive())).toBe('a');
    expect(textOf(receive())).toBe('b');
    expect(receiveMessage(hub, 'd1')).toBeUndefined();
    expect(receiveMessage(hub, 'd2')).toBeUndefined();
  });

  it('gives a message with all its sender gave it', async () => {
    const systemProperties = {
      messageId: 'm',
      correlationId: 'c',
      userId: 'u',
      contentType: 'text/plain',
      contentEncoding: 'utf-8',
      ack: 'full',
      expiryTimeUtc: utcText(START_MS + MINUTE_MS),
    } as const;
    await sendToDevice(hub, 'd1', { body: Buffer.of(0, 255), systemProperties, properties: { k: 'v', none: null } });
    expect(receive()).toMatchObject({
      systemProperties: { ...systemProperties, to: '/devices/d1/messages/devicebound' },
      properties: { k: 'v', none: null },
      enqueuedMs: START_MS,
      deliveryCount: 0,
      redelivered: false,
    });
  });

  it('counts what waits, also what is locked, until it is completed', async () => {
    await send('a', 'b');
    const { lockToken } = receive();
    expect(count()).toBe(2);
    await completeMessage(hub, 'd1', lockToken);
    expect(count()).toBe(1);
    await expect(completeMessage(hub, 'd1', lockToken)).rejects.toMatchObject(LOCK_LOST);
  });

  it('refuses the message after the fiftieth', async () => {
    for (let n = 0; n < MAX_QUEUE_DEPTH; n += 1) await send(`m${n}`);
    await expect(send('one more')).rejects.toMatchObject({
      errorName: 'DeviceMaximumQueueDepthExceeded',
      code: 403004,
      status: 403,
    });
    await completeMessage(hub, 'd1', receive().lockToken);
    await send('now there is room');
    expect(count()).toBe(MAX_QUEUE_DEPTH);
  });

  it('takes the largest message and refuses one byte more', async () => {
    const properties = { name: 'value' };
    const sized = (sizeBytes: number) => ({
      body: Buffer.alloc(sizeBytes - 'id'.length - 'namevalue'.length),
      systemProperties: { messageId: 'id' },
      properties,
    });
    await sendToDevice(hub, 'd1', sized(MAX_DEVICE_BOUND_BYTES));
    await expect(sendToDevice(hub, 'd1', sized(MAX_DEVICE_BOUND_BYTES + 1))).rejects.toMatchObject({
      errorName: 'MessageTooLarge',
    });
  });

  it.each([
    ['an unknown feedback mode', { ack: 'perhaps' as 'full' }],
    ['an expiry that is no time', { expiryTimeUtc: 'tomorrow' }],
    ['a message id that is too long', { messageId: 'x'.repeat(129) }],
  ])('refuses %s', async (_what, systemProperties) => {
    await expect(sendToDevice(hub, 'd1', aMessage('m', systemProperties))).rejects.toMatchObject({
      errorName: 'ArgumentInvalid',
    });
    expect(count()).toBe(0);
  });

  it('refuses a message to a device nobody registered', async () => {
    await expect(sendToDevice(hub, 'nobody', aMessage('m'))).rejects.toMatchObject({ errorName: 'DeviceNotFound' });
  });

  it('keeps the queue of a disabled device', async () => {
    await send('before');
    await updateIdentity(hub, { deviceId: 'd1', status: 'disabled' });
    await send('meanwhile');
    await updateIdentity(hub, { deviceId: 'd1' });
    expect([textOf(receive()), textOf(receive())]).toEqual(['before', 'meanwhile']);
  });

  it('counts what becomes of messages', async () => {
    await send('done', 'unwanted', 'later', 'purged');
    await completeMessage(hub, 'd1', receive().lockToken);
    await rejectMessage(hub, 'd1', receive().lockToken);
    await abandonMessage(hub, 'd1', receive().lockToken);
    await sendToDevice(hub, 'd2', aMessage('short', { expiryTimeUtc: utcText(START_MS + 1) }));
    await pass(1);
    const { text: before } = await renderMetrics(hub);
    expect(before).toContain('iot_hub_cloud_to_device_queued_messages 2\n');
    await purgeMessages(hub, 'd1');
    const { text } = await renderMetrics(hub);
    const counts = Array.from(
      text.matchAll(/iot_hub_cloud_to_device_messages_total\{event="(\w+)"\} (\d+)/g),
      (found) => found.slice(1).join(' '),
    );
    expect(counts.sort()).toEqual([
      'abandoned 1',
      'completed 1',
      'delivered 3',
      'enqueued 5',
      'expired 1',
      'purged 2',
      'rejected 1',
    ]);
  });

  it('drops the queue and the feedback of a deleted device', async () => {
    await sendToDevice(hub, 'd1', aMessage('a', { ack: 'full' }));
    await sendToDevice(hub, 'd1', aMessage('b', { ack: 'full' }));
    await completeMessage(hub, 'd1', receive().lockToken);
    await deleteIdentity(hub, { deviceId: 'd1' });
    expect(takenFeedback(hub)).toEqual([]);
    await createIdentity(hub, { deviceId: 'd1' });
    expect(count()).toBe(0);
    expect(receiveMessage(hub, 'd1')).toBeUndefined();
  });

  describe('locks', () => {
    it('gives a message again when its lock has lapsed, without counting that as a delivery', async () => {
      await send('a');
      const first = receive();
      await pass(MINUTE_MS - 1);
      expect(receiveMessage(hub, 'd1')).toBeUndefined();
      await pass(1);
      expect(receive()).toMatchObject({ sequenceNumber: first.sequenceNumber, deliveryCount: 0, redelivered: true });
      await expect(completeMessage(hub, 'd1', first.lockToken)).rejects.toMatchObject(LOCK_LOST);
    });

    it('keeps a held message for its holder until that gives it back', async () => {
      await send('a', 'b');
      const held = receiveMessage(hub, 'd1', { held: true });
      await pass(5 * MINUTE_MS);
      expect(textOf(receive())).toBe('b');
      releaseMessages(hub, 'd1', [held?.lockToken ?? '']);
      expect(receive()).toMatchObject({ sequenceNumber: held?.sequenceNumber, deliveryCount: 0 });
    });

    it("does not let one device settle another's message", async () => {
      await send('a');
      const { lockToken } = receive();
      for (const settle of [completeMessage, rejectMessage, abandonMessage]) {
        await expect(settle(hub, 'd2', lockToken)).rejects.toMatchObject(LOCK_LOST);
      }
      releaseMessages(hub, 'd2', [lockToken]);
      expect(receiveMessage(hub, 'd1')).toBeUndefined();
      await completeMessage(hub, 'd1', lockToken);
    });

    it('puts an abandoned message back to its place', async () => {
      await send('a', 'b');
      const { lockToken } = receive();
      await abandonMessage(hub, 'd1', lockToken);
      expect(receive()).toMatchObject({ deliveryCount: 1, redelivered: true, body: Uint8Array.from(Buffer.from('a')) });
    });

    it('does not hand out a message whose commit has failed', async () => {
      const lost = hub.store.writeOne(() => {
        hub.store.database.exec('PRAGMA defer_foreign_keys = ON');
        hub.store.sql(`INSERT INTO stored_subscriptions (device_id, filter, qos) VALUES ('nobody', 'f', 0)`).run();
      });
      const sent = send('a');
      expect(receiveMessage(hub, 'd1')).toBeUndefined();
      await expect(lost).rejects.toThrow();
      await expect(sent).rejects.toThrow();
      expect(receiveMessage(hub, 'd1')).toBeUndefined();
      await send('b');
      expect(textOf(receive())).toBe('b');
    });
  });

  describe('feedback', () => {
    const modes = ['none', 'positive', 'negative', 'full'] as const;
    const sendAll = () => Promise.all(modes.map((ack) => sendToDevice(hub, 'd1', aMessage(ack, { ack }))));
    const receiveAll = () => modes.map(() => receive().lockToken);

    it('tells of completed messages', async () => {
      await sendAll();
      for (const token of receiveAll()) await completeMessage(hub, 'd1', token);
      expect(takenFeedback(hub)).toEqual(['positive Success', 'full Success']);
    });

    it('takes the mode in any case', async () => {
      await sendToDevice(hub, 'd1', aMessage('m', { ack: 'Full' as 'full' }));
      const { lockToken, systemProperties } = receive();
      expect(systemProperties.ack).toBe('full');
      await completeMessage(hub, 'd1', lockToken);
      expect(takenFeedback(hub)).toEqual(['m Success']);
    });

    it('tells of rejected messages', async () => {
      await sendAll();
      for (const token of receiveAll()) await rejectMessage(hub, 'd1', token);
      expect(takenFeedback(hub)).toEqual(['negative Rejected', 'full Rejected']);
    });

    it('tells of messages abandoned too often', async () => {
      await sendAll();
      for (let n = 1; n < 10; n += 1) {
        for (const token of receiveAll()) await abandonMessage(hub, 'd1', token);
        expect(count()).toBe(modes.length);
      }
      const last = modes.map(() => receive());
      expect(last.map(({ deliveryCount }) => deliveryCount)).toEqual([9, 9, 9, 9]);
      for (const { lockToken } of last) await abandonMessage(hub, 'd1', lockToken);
      expect(count()).toBe(0);
      expect(takenFeedback(hub)).toEqual(['negative DeliveryCountExceeded', 'full DeliveryCountExceeded']);
    });

    it('tells of purged messages, locked ones too', async () => {
      await sendAll();
      const { lockToken } = receive();
      expect(await purgeMessages(hub, 'd1')).toEqual({ deviceId: 'd1', moduleId: null, totalMessagesPurged: 4 });
      expect(count()).toBe(0);
      expect(takenFeedback(hub)).toEqual(['negative Purged', 'full Purged']);
      await expect(completeMessage(hub, 'd1', lockToken)).rejects.toMatchObject(LOCK_LOST);
      expect((await purgeMessages(hub, 'd1')).totalMessagesPurged).toBe(0);
    });

    it('tells of expired messages at their time, locked ones too', async () => {
      await sendAll();
      const { lockToken } = receiveMessage(hub, 'd1', { held: true }) ?? {};
      await pass(60 * MINUTE_MS - 1);
      expect(count()).toBe(4);
      await pass(1);
      expect(count()).toBe(0);
      expect(takenFeedback(hub)).toEqual(['negative Expired', 'full Expired']);
      await expect(completeMessage(hub, 'd1', lockToken ?? '')).rejects.toMatchObject(LOCK_LOST);
    });

    it('says when, what and of which device', async () => {
      const expiryTimeUtc = utcText(START_MS + 5 * MINUTE_MS);
      await sendToDevice(hub, 'd1', aMessage('m', { ack: 'full', expiryTimeUtc }));
      await pass(5 * MINUTE_MS);
      expect(receiveServiceMessage(hub, 'feedback')).toMatchObject({
        contentType: 'application/vnd.microsoft.iothub.feedback.json',
        userId: 'testhub',
        enqueuedMs: START_MS + 5 * MINUTE_MS,
        body: [
          {
            originalMessageId: 'm',
            deviceId: 'd1',
            deviceGenerationId: getIdentity(hub, { deviceId: 'd1' }).generationId,
            enqueuedTimeUtc: expiryTimeUtc,
            statusCode: 'Expired',
          },
        ],
      });
    });
  });

  it('forgets feedback that nobody fetched for an hour', async () => {
    await sendToDevice(hub, 'd1', aMessage('m', { ack: 'full' }));
    await completeMessage(hub, 'd1', receive().lockToken);
    await pass(60 * MINUTE_MS - 1);
    const held = receiveServiceMessage(hub, 'feedback', { held: true });
    expect(held).toBeDefined();
    await pass(1);
    await abandonServiceMessage(hub, 'feedback', held?.lockToken ?? '');
    expect(takenFeedback(hub)).toEqual([]);
  });

  describe('expiry', () => {
    it('takes a message whose time is over already, and tells so', async () => {
      await sendToDevice(hub, 'd1', aMessage('late', { ack: 'full', expiryTimeUtc: utcText(START_MS - 1) }));
      expect(receiveMessage(hub, 'd1')).toBeUndefined();
      await pass(0);
      expect(takenFeedback(hub)).toEqual(['late Expired']);
    });

    it('keeps no message for longer than two days', async () => {
      await sendToDevice(hub, 'd1', aMessage('m', { ack: 'full', expiryTimeUtc: utcText(START_MS + 30 * 86_400_000) }));
      await pass(2 * 86_400_000 - 1);
      expect(count()).toBe(1);
      await pass(1);
      expect(takenFeedback(hub)).toEqual(['m Expired']);
    });

    it('works through a great many in several goes', async () => {
      const devices = Array.from({ length: 12 }, (_, index) => `many${index}`);
      const expiryTimeUtc = utcText(START_MS + 1000);
      for (const deviceId of devices) {
        await createIdentity(hub, { deviceId });
        await Promise.all(
          Array.from({ length: MAX_QUEUE_DEPTH }, (_, index) =>
            sendToDevice(hub, deviceId, aMessage(`${deviceId}-${index}`, { ack: 'negative', expiryTimeUtc })),
          ),
        );
      }
      await pass(1000);
      expect(takenFeedback(hub)).toHaveLength(500);
      await pass(0);
      expect(takenFeedback(hub)).toHaveLength(100);
    });

    it('runs one timer, however many messages wait, and none when nothing does', async () => {
      expect(hub.clock.timers).toBe(1);
      await pass(0);
      expect(hub.clock.timers).toBe(0);
      await send('a', 'b', 'c');
      receive();
      expect(hub.clock.timers).toBe(1);
      await purgeMessages(hub, 'd1');
      await pass(MINUTE_MS);
      await pass(60 * MINUTE_MS);
      expect(hub.clock.timers).toBe(0);
    });
  });

  describe('a connection that listens', () => {
    let wakes: number;
    const connection: DeviceConnection = {
      identity: { deviceId: 'd1' },
      description: 'test',
      listensTo: (kind) => kind === 'cloud-to-device',
      close: () => undefined,
      invokeMethod: () => undefined,
      desiredChanged: () => undefined,
      messagesWaiting: () => {
        wakes += 1;
      },
    };
    beforeEach(() => {
      wakes = 0;
      hub.connections.attach(connection);
    });

    it('is woken by a message once that is on disk', async () => {
      const sent = send('a');
      expect(wakes).toBe(0);
      await sent;
      expect(wakes).toBe(1);
    });

    it.each([
      ['abandoned', (token: string) => abandonMessage(hub, 'd1', token)],
      [
        'released',
        (token: string) => {
          releaseMessages(hub, 'd1', [token]);
          return Promise.resolve();
        },
      ],
      ['lapsed', () => pass(MINUTE_MS)],
    ])('is woken by a message that was %s', async (_what, giveBack) => {
      await send('a');
      const { lockToken } = receive();
      wakes = 0;
      await giveBack(lockToken);
      expect(wakes).toBeGreaterThan(0);
      expect(textOf(receive())).toBe('a');
    });
  });
});

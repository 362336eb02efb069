import fc from 'fast-check';
import { aDeviceBoundMessage, takenFeedback, textOf } from '../../../test-support/device-messages.js';
import { aHub, START_MS, type TestHub } from '../../../test-support/test-hub.js';
import { utcText } from '../clock.js';
import { HubError } from '../errors/hub-errors.js';
import { MessageQueues } from '../queues/message-queues.js';
import { keepQueuesSwept } from '../queues/sweep-queues.js';
import { createIdentity, getIdentity } from '../registry/identities.js';
import type { FeedbackMode } from './device-bound-message.js';
import { purgeMessages } from './purge-messages.js';
import { receiveMessage } from './receive-message.js';
import { sendToDevice } from './send-to-device.js';
import { abandonMessage, completeMessage, rejectMessage, releaseMessages } from './settle-message.js';

const DEVICES = ['d1', 'd2'];
const LOCK_MS = 60_000;
const MAX_ABANDONED = 10;
const MAX_DEPTH = 50;

type Operation =
  | {
      readonly kind: 'send';
      readonly device: string;
      readonly ack: FeedbackMode;
      readonly ttlMs: number;
      times: number;
    }
  | { readonly kind: 'receive'; readonly device: string; readonly held: boolean }
  | { readonly kind: 'complete' | 'reject' | 'abandon' | 'release'; readonly device: string; readonly which: number }
  | { readonly kind: 'purge'; readonly device: string }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'restart' };

/** What the queues should do, in memory and as plainly as can be. */
class Model {
  nowMs = START_MS;
  readonly feedback: string[] = [];
  messages: {
    id: string;
    device: string;
    ack: FeedbackMode;
    expiresMs: number;
    abandoned: number;
    lock?: { token: string; untilMs: number } | undefined;
  }[] = [];

  depth(device: string): number {
    return this.messages.filter((message) => message.device === device).length;
  }

  send(device: string, id: string, ack: FeedbackMode, ttlMs: number): boolean {
    if (this.depth(device) >= MAX_DEPTH) return false;
    this.messages.push({ id, device, ack, expiresMs: this.nowMs + ttlMs, abandoned: 0 });
    return true;
  }

  next(device: string) {
    return this.messages.find((message) => message.device === device && message.lock === undefined);
  }

  locked(device: string, token: string) {
    return this.messages.find((message) => message.device === device && message.lock?.token === token);
  }

  end(id: string, status: string): void {
    const message = this.messages.find((known) => known.id === id);
    this.messages = this.messages.filter((known) => known !== message);
    const wanted = ['full', status === 'Success' ? 'positive' : 'negative'];
    if (message !== undefined && wanted.includes(message.ack)) this.feedback.push(`${id} ${status}`);
  }

  pass(ms: number): void {
    this.nowMs += ms;
    for (const message of this.messages) {
      if (message.lock !== undefined && message.lock.untilMs <= this.nowMs) message.lock = undefined;
    }
    for (const { id, expiresMs } of this.messages) if (expiresMs <= this.nowMs) this.end(id, 'Expired');
  }
}

/** The hub's queues and the model, step by step side by side. */
class Pair {
  readonly model = new Model();
  hub: TestHub = aHub();
  private stop = keepQueuesSwept(this.hub);
  private readonly tokens: string[] = [];
  private sent = 0;

  async run(operations: readonly Operation[]): Promise<void> {
    try {
      for (const deviceId of DEVICES) await createIdentity(this.hub, { deviceId });
      for (const operation of operations) {
        await this.step(operation);
        await this.pass(0);
        for (const device of DEVICES) {
          expect(getIdentity(this.hub, { deviceId: device }).cloudToDeviceMessageCount).toBe(this.model.depth(device));
        }
      }
      // What is left comes out in order, and all that was to be told was told.
      await this.step({ kind: 'restart' });
      await this.pass(0);
      for (const device of DEVICES) {
        while (this.model.next(device) !== undefined) await this.step({ kind: 'receive', device, held: true });
        expect(receiveMessage(this.hub, device)).toBeUndefined();
      }
      expect(takenFeedback(this.hub)).toEqual(this.model.feedback);
    } finally {
      this.stop();
      this.hub.store.close();
    }
  }

  private async step(operation: Operation): Promise<void> {
    const { hub, model } = this;
    switch (operation.kind) {
      case 'send': {
        const { device, ack, ttlMs, times } = operation;
        for (let n = 0; n < times; n += 1) {
          const id = `m${(this.sent += 1)}`;
          const expiryTimeUtc = utcText(model.nowMs + ttlMs);
          const refused = await refusal(sendToDevice(hub, device, aDeviceBoundMessage(id, { ack, expiryTimeUtc })));
          expect(refused).toBe(model.send(device, id, ack, ttlMs) ? undefined : 'DeviceMaximumQueueDepthExceeded');
        }
        return;
      }
      case 'receive': {
        const { device, held } = operation;
        const message = receiveMessage(hub, device, { held });
        const expected = model.next(device);
        expect([textOf(message), message?.deliveryCount]).toEqual([expected?.id, expected?.abandoned]);
        if (message === undefined || expected === undefined) return;
        expected.lock = { token: message.lockToken, untilMs: held ? Infinity : model.nowMs + LOCK_MS };
        this.tokens.push(message.lockToken);
        return;
      }
      case 'complete':
      case 'reject':
      case 'abandon':
      case 'release':
        await this.settle(operation);
        return;
      case 'purge': {
        const { totalMessagesPurged } = await purgeMessages(hub, operation.device);
        expect(totalMessagesPurged).toBe(model.depth(operation.device));
        for (const { id, device } of model.messages) if (device === operation.device) model.end(id, 'Purged');
        return;
      }
      case 'pass':
        await this.pass(operation.ms);
        return;
      case 'restart':
        this.stop();
        this.hub = { ...hub, queues: new MessageQueues(hub.clock) };
        this.stop = keepQueuesSwept(this.hub);
        for (const message of model.messages) message.lock = undefined;
    }
  }

  private async settle({ kind, device, which }: Operation & { device: string; which: number }): Promise<void> {
    const token = this.tokens.at(-1 - (which % Math.max(1, this.tokens.length))) ?? 'none';
    const expected = this.model.locked(device, token);
    if (kind === 'release') {
      releaseMessages(this.hub, device, [token]);
      if (expected !== undefined) expected.lock = undefined;
      return;
    }
    const operation = { complete: completeMessage, reject: rejectMessage, abandon: abandonMessage }[kind as 'complete'];
    const refused = await refusal(operation(this.hub, device, token));
    expect(refused).toBe(expected === undefined ? 'DeviceMessageLockLost' : undefined);
    if (expected === undefined) return;
    if (kind !== 'abandon') this.model.end(expected.id, kind === 'complete' ? 'Success' : 'Rejected');
    else if (expected.abandoned + 1 === MAX_ABANDONED) this.model.end(expected.id, 'DeliveryCountExceeded');
    else Object.assign(expected, { abandoned: expected.abandoned + 1, lock: undefined });
  }

  private async pass(ms: number): Promise<void> {
    this.model.pass(ms);
    this.hub.clock.advance(ms);
    await this.hub.store.write(() => undefined);
  }
}

const refusal = (work: Promise<unknown>): Promise<string | undefined> =>
  work.then(
    () => undefined,
    (cause: unknown) => {
      if (cause instanceof HubError) return cause.errorName;
      throw cause;
    },
  );

const device = fc.constantFrom(...DEVICES);
const settling = { device, which: fc.nat(5) };
const operations: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      device,
      ack: fc.constantFrom<FeedbackMode>('none', 'positive', 'negative', 'full'),
      ttlMs: fc.constantFrom(0, 30_000, LOCK_MS, 10 * LOCK_MS, 60 * LOCK_MS),
      times: fc.constantFrom(1, 1, 2, 20),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('receive' as const), device, held: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('complete' as const), ...settling }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('reject' as const), ...settling }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('abandon' as const), ...settling }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('release' as const), ...settling }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(1, 29_999, 30_001, LOCK_MS) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('purge' as const), device }) },
  { weight: 1, arbitrary: fc.constant<Operation>({ kind: 'restart' }) },
);

describe('the queues of devices', () => {
  it('do what a plain model of them does, whatever is asked of them', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operations, { maxLength: 60, size: 'max' }), (list) => new Pair().run(list)),
      { numRuns: 100, seed: 20_260_210 },
    );
  });

  it('dead-letter a message that is abandoned over and over', async () => {
    const again: Operation[] = [
      { kind: 'receive', device: 'd1', held: false },
      { kind: 'abandon', device: 'd1', which: 0 },
    ];
    const send: Operation = { kind: 'send', device: 'd1', ack: 'full', ttlMs: LOCK_MS, times: 2 };
    const pair = new Pair();
    await pair.run([send, ...Array.from({ length: 2 * MAX_ABANDONED }, () => again).flat()]);
    expect(pair.model.feedback).toEqual(['m1 DeliveryCountExceeded', 'm2 DeliveryCountExceeded']);
  });
});

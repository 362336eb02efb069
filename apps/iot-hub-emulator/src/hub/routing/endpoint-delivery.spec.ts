import { readLog } from '../messages/read-log.js';
import { pino } from 'pino';
import { aHub, type TestHub } from '../../../test-support/test-hub.js';
import { appendMessages } from '../messages/append-messages.js';
import type { LoggedMessage } from '../messages/hub-message.js';
import { deleteExpiredMessages } from '../messages/message-retention.js';
import type { DeliveryResult, DeliveryTarget } from './delivery-target.js';
import { EndpointDelivery } from './endpoint-delivery.js';
import { MessageRouting } from './message-routing.js';
import { routingSchema } from './routing-config.js';

const device = {
  deviceId: 'd1',
  generationId: '1',
  authScope: 'device',
  authType: 'sas',
  expiresAtMs: Infinity,
} as const;
const ROUTING = routingSchema(['t']).parse({
  routes: [{ name: 'r', source: 'DeviceMessages', condition: 'true', endpointNames: ['t'], isEnabled: true }],
});

const DOWN: DeliveryResult = { taken: 0, failure: { reason: 'down', refused: false } };

/** Takes what `answer` says it takes, and remembers it. */
class ScriptedTarget implements DeliveryTarget {
  readonly taken: string[] = [];
  readonly batches: number[] = [];
  answer: (messages: readonly LoggedMessage[]) => DeliveryResult = (messages) => ({ taken: messages.length });

  deliver(messages: readonly LoggedMessage[]): Promise<DeliveryResult> {
    this.batches.push(messages.length);
    const result = this.answer(messages);
    this.taken.push(...messages.slice(0, result.taken).map(({ body }) => Buffer.from(body).toString()));
    return Promise.resolve(result);
  }

  close(): void {
    this.answer = () => DOWN;
  }
}

describe(EndpointDelivery.name, () => {
  let log: { msg: string; level: number }[];
  let target: ScriptedTarget;
  let hub: TestHub;
  let routing: MessageRouting;

  const open = (kept?: TestHub) => {
    const plain = kept ?? aHub();
    const logger = pino(
      { level: 'debug' },
      { write: (line) => void log.push(JSON.parse(line) as (typeof log)[number]) },
    );
    target = new ScriptedTarget();
    routing = new MessageRouting({ ...plain, logger, routing: ROUTING, targets: new Map([['t', target]]) });
    hub = { ...plain, routing };
  };
  beforeEach(() => {
    log = [];
    open();
  });
  afterEach(async () => {
    await routing.close();
    hub.store.close();
  });

  const append = (...texts: string[]) =>
    appendMessages(
      hub,
      device,
      texts.map((text) => ({ body: Buffer.from(text), systemProperties: {}, properties: {} })),
    );
  /** Lets everything happen that waits for no timer. */
  const settled = async () => {
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  const kept = () => readLog(hub.store, { bit: 0xff, after: 0, limit: 100 }).length;
  const logged = (level: number) => log.filter((line) => line.level === level).map(({ msg }) => msg);

  it('brings messages in order, in batches of 100 at most', async () => {
    const texts = Array.from({ length: 250 }, (_, index) => String(index));
    await append(...texts);
    await settled();
    expect(target.taken).toEqual(texts);
    expect(target.batches).toEqual([100, 100, 50]);
    expect(routing.health()).toEqual([{ name: 't', health: 'healthy', pending: 0 }]);
  });

  it('goes on where a batch was taken in part', async () => {
    target.answer = (messages) => ({ taken: Math.min(2, messages.length) });
    await append('a', 'b', 'c', 'd', 'e');
    await settled();
    expect(target.taken).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('waits ever longer while the target is down, says so once, and loses nothing', async () => {
    target.answer = () => DOWN;
    for (let minute = 0; minute < 60; minute += 1) {
      await append(`m${minute}`);
      await settled();
      hub.clock.advance(1000);
      await settled();
    }
    expect(target.batches.length).toBeGreaterThan(5);
    // Without growing waits there would be one attempt a second.
    expect(target.batches.length).toBeLessThan(45);
    expect(routing.health()).toEqual([{ name: 't', health: 'unhealthy', pending: 60 }]);
    target.answer = (messages) => ({ taken: messages.length });
    hub.clock.advance(10_000);
    await settled();
    expect(target.taken).toEqual(Array.from({ length: 60 }, (_, index) => `m${index}`));
    expect(routing.health()).toEqual([{ name: 't', health: 'healthy', pending: 0 }]);
    expect(logged(40)).toEqual(['Endpoint takes no messages: they wait']);
    expect(logged(30)).toEqual(['Endpoint takes messages']);
  });

  it('passes over a message that will never be taken, and says so', async () => {
    target.answer = (messages) => {
      const bad = messages.findIndex(({ body }) => Buffer.from(body).toString() === 'bad');
      return bad < 0 ? { taken: messages.length } : { taken: bad, failure: { reason: 'status 413', refused: true } };
    };
    await append('a', 'bad', 'b');
    await settled();
    expect(target.taken).toEqual(['a', 'b']);
    expect(logged(50)).toEqual(['Message dropped: the endpoint will not take it']);
    expect(routing.health()).toMatchObject([{ pending: 0 }]);
  });

  it('takes what the target throws for a failure', async () => {
    target.answer = () => {
      throw new Error('broken');
    };
    await append('a');
    await settled();
    expect(routing.health()).toEqual([{ name: 't', health: 'unhealthy', pending: 1 }]);
    target.answer = (messages) => ({ taken: messages.length });
    hub.clock.advance(10_000);
    await settled();
    expect(target.taken).toEqual(['a']);
  });

  it('begins after a restart where it was', async () => {
    await append('a', 'b');
    await settled();
    target.answer = () => DOWN;
    await append('c', 'd');
    await settled();
    await routing.close();
    open(hub);
    expect(routing.health()).toEqual([{ name: 't', health: 'unknown', pending: 2 }]);
    routing.start();
    await settled();
    expect(target.taken).toEqual(['c', 'd']);
  });

  it('gives out nothing that was not committed', async () => {
    hub.store.database.exec('PRAGMA foreign_keys = ON');
    const orphan = hub.store.writeOne(() => {
      hub.store.database.exec('PRAGMA defer_foreign_keys = ON');
      hub.store.sql(`INSERT INTO stored_subscriptions (device_id, filter, qos) VALUES ('nobody', 'f', 0)`).run();
    });
    await Promise.allSettled([orphan, append('lost')]);
    await append('kept');
    await settled();
    expect(target.taken).toEqual(['kept']);
  });

  it('keeps expired messages that are waited for, up to a limit that is logged when exceeded', async () => {
    await append('taken');
    await settled();
    target.answer = () => DOWN;
    await append('waited for');
    await settled();
    hub.clock.advance(5000);
    expect(await deleteExpiredMessages(hub, 1000)).toMatchObject({ messages: 1 });
    expect(kept()).toBe(1);
    expect(await deleteExpiredMessages(hub, 1000, 1)).toMatchObject({ messages: 1 });
    expect(kept()).toBe(0);
    expect(logged(50)).toEqual(['Expired messages deleted before the endpoint took them: too many wait for it']);
    expect(routing.health()).toMatchObject([{ pending: 0 }]);
  });

  it('still waits for what is left when expired messages are deleted while it brings them', async () => {
    let answer: (result: DeliveryResult) => void = () => undefined;
    jest.spyOn(target, 'deliver').mockImplementationOnce(() => new Promise((resolve) => (answer = resolve)));
    await append('a', 'b', 'c');
    await settled();
    hub.clock.advance(5000);
    await append('d', 'e');
    await settled();
    await deleteExpiredMessages(hub, 1000, 1);
    target.answer = () => DOWN;
    answer({ taken: 3 });
    await settled();
    expect(routing.health()).toMatchObject([{ health: 'unhealthy', pending: 2 }]);
    expect(logged(50)).toEqual([]);
    routing.settle();
    target.answer = (messages) => ({ taken: messages.length });
    hub.clock.advance(10_000);
    await settled();
    expect(target.taken).toEqual(['d', 'e']);
  });

  it('goes on waiting for expired messages whose deletion is not committed', async () => {
    target.answer = () => DOWN;
    await append('a');
    await settled();
    hub.clock.advance(5000);
    const orphan = hub.store.writeOne(() => {
      hub.store.database.exec('PRAGMA defer_foreign_keys = ON');
      hub.store.sql(`INSERT INTO stored_subscriptions (device_id, filter, qos) VALUES ('nobody', 'f', 0)`).run();
    });
    await Promise.allSettled([orphan, deleteExpiredMessages(hub, 1000, 1)]);
    expect(kept()).toBe(1);
    expect(routing.health()).toMatchObject([{ pending: 1 }]);
    expect(logged(50)).toEqual([]);
  });

  it('forgets what waited for an endpoint that is gone, and says so', async () => {
    target.answer = () => DOWN;
    await append('a');
    await settled();
    await routing.close();
    routing = new MessageRouting({
      store: hub.store,
      log: hub.log,
      clock: hub.clock,
      logger: pino({ level: 'debug' }, { write: (line) => void log.push(JSON.parse(line) as (typeof log)[number]) }),
    });
    expect(logged(40)).toContain('Endpoint is configured no more: what waited for it is dropped');
    await routing.close();
    open(hub);
    expect(routing.health()).toMatchObject([{ pending: 0 }]);
  });
});

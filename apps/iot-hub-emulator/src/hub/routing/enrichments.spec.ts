import { pino } from 'pino';
import { aHub, type TestHub } from '../../../test-support/test-hub.js';
import { readStretch } from '../events/partition-log.js';
import type { Hub } from '../hub.js';
import { appendMessages } from '../messages/append-messages.js';
import { readLog } from '../messages/read-log.js';
import { partitionOf } from '../messages/partition.js';
import { createIdentity } from '../registry/identities.js';
import { changeTwin } from '../twins/service-twin.js';
import type { DeliveryTarget } from './delivery-target.js';
import { Enrichments } from './enrichments.js';
import { MessageRouting } from './message-routing.js';
import { routingSchema, type IotHubRouting } from './routing-config.js';

const DEVICE = {
  deviceId: 'd1',
  generationId: '1',
  authScope: 'device',
  authType: 'sas',
  expiresAtMs: Infinity,
} as const;
const ROUTE = { source: 'DeviceMessages', condition: 'true', isEnabled: true } as const;

/** A target that is never asked, since nothing starts it. */
/** Never wants anything. */
const IDLE: DeliveryTarget = {
  ready: () => new Promise(() => undefined),
  deliver: () => Promise.resolve({ taken: 0 }),
  close: () => undefined,
};

const hubs: TestHub[] = [];
afterEach(() => {
  for (const hub of hubs.splice(0)) hub.store.close();
});

async function aHubWith(enrichments: NonNullable<IotHubRouting['enrichments']>): Promise<TestHub> {
  const hub = aHub();
  hubs.push(hub);
  const routing = routingSchema(['cold']).parse({
    routes: [
      { ...ROUTE, name: 'hot', endpointNames: ['events'] },
      { ...ROUTE, name: 'cold', endpointNames: ['cold'] },
    ],
    enrichments,
  });
  const routed = new MessageRouting({
    store: hub.store,
    log: hub.log,
    clock: hub.clock,
    logger: pino({ level: 'silent' }),
    routing,
    targets: new Map([['cold', IDLE]]),
    hubName: 'myhub',
  });
  await createIdentity(hub, { deviceId: 'd1' });
  await changeTwin(
    hub,
    { deviceId: 'd1' },
    { tags: { floor: 3, site: 'north', nested: { a: true } } },
    { mode: 'merge' },
  );
  return Object.assign(hub, { routing: routed });
}

const send = (hub: Hub, properties: Record<string, string> = {}, body = '{}') =>
  appendMessages(hub, DEVICE, [{ body: Buffer.from(body), systemProperties: {}, properties }]);

/** Properties of all messages, as each endpoint gets them. */
function received({ store, events }: Hub) {
  const partitionId = partitionOf('d1', events.partitionCount);
  const limit = { events: 100, sizeBytes: 1e6 };
  return {
    events: readStretch(store, { partitionId, first: 0, last: 100 }, limit).map(({ properties }) => properties),
    cold: readLog(store, { bit: 2, after: 0, limit: 100 }).map(({ properties }) => properties),
  };
}

describe(Enrichments.name, () => {
  it('stamps the messages of the endpoints it is for', async () => {
    const hub = await aHubWith([
      { key: 'tenant', value: 'contoso', endpointNames: ['events', 'cold'] },
      { key: 'hub', value: '$iothubname', endpointNames: ['cold'] },
    ]);
    await send(hub, { own: '1' });
    expect(received(hub)).toEqual({
      events: [{ own: '1', tenant: 'contoso' }],
      cold: [{ own: '1', tenant: 'contoso', hub: 'myhub' }],
    });
  });

  it.each([
    ['$twin.tags.floor', '3'],
    ['$twin.tags.site', 'north'],
    ['$twin.tags.nested.a', 'true'],
    ['$twin.tags.nested', '$twin.tags.nested'],
    ['$twin.properties.reported.nothing', '$twin.properties.reported.nothing'],
    ['$iotHubName', 'myhub'],
    ['$5', '$5'],
  ])('takes %s for %s', async (value, expected) => {
    const hub = await aHubWith([{ key: 'k', value, endpointNames: ['events'] }]);
    await send(hub);
    expect(received(hub)).toEqual({ events: [{ k: expected }], cold: [{}] });
  });

  it('leaves what the device has given', async () => {
    const hub = await aHubWith([{ key: 'k', value: 'hub', endpointNames: ['events'] }]);
    await send(hub, { k: 'device' });
    expect(received(hub).events).toEqual([{ k: 'device' }]);
  });

  it('drops a message for the endpoint for which it becomes too large', async () => {
    const hub = await aHubWith([{ key: 'key', value: 'value', endpointNames: ['cold'] }]);
    await send(hub, {}, 'x'.repeat(256 * 1024 - 8));
    await send(hub, {}, 'x'.repeat(256 * 1024 - 7));
    const { events, cold } = received(hub);
    expect([events.length, cold.length]).toEqual([2, 1]);
  });

  it.each([
    [{ key: 'a b', value: 'x', endpointNames: ['events'] }, 'letters, digits'],
    [{ key: 'a', value: '', endpointNames: ['events'] }, 'expected string'],
    [{ key: 'a', value: '$twin.etag', endpointNames: ['events'] }, 'must be a text, $iothubname'],
    [{ key: 'a', value: 'x', endpointNames: [] }, 'expected array'],
    [{ key: 'a', value: 'x', endpointNames: ['events', 'warm'] }, 'there is no endpoint warm'],
  ])('refuses %j', (enrichment, reason) => {
    const result = routingSchema(['cold']).safeParse({ enrichments: [enrichment] });
    expect(result.error?.issues.map(({ message }) => message).join()).toContain(reason);
  });

  it('takes ten at most', () => {
    const enrichments = (count: number) =>
      Array.from({ length: count }, (_, index) => ({ key: `k${index}`, value: 'x', endpointNames: ['events'] }));
    expect(routingSchema().safeParse({ enrichments: enrichments(10) }).success).toBe(true);
    expect(routingSchema().safeParse({ enrichments: enrichments(11) }).success).toBe(false);
  });
});

import { aHub, type TestHub } from '../../test-support/test-hub.js';
import { sendToDevice } from './cloud-to-device/send-to-device.js';
import { createConfiguration } from './configurations/configurations.js';
import { HubError } from './errors/hub-errors.js';
import { ConsumerGroups } from './events/consumer-groups.js';
import { openFileUpload } from './file-uploads/file-uploads.js';
import type { JsonObject } from './json.js';
import { appendMessages } from './messages/append-messages.js';
import { retentionMs } from './messages/retention-time.js';
import { readMethodRequest } from './methods/method-request.js';
import { readQueueSettings } from './queues/queue-settings.js';
import { changeRegistryInBulk } from './registry/bulk-registry.js';
import { createIdentity } from './registry/identities.js';
import { routingSchema } from './routing/routing-config.js';
import { patchReported } from './twins/device-twin.js';
import { changeTwin } from './twins/service-twin.js';

const KB = 1024;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const D1 = { deviceId: 'd1' };
const PROVEN = { ...D1, generationId: '1', authScope: 'device', authType: 'sas', expiresAtMs: Infinity } as const;

const text = (length: number) => 'x'.repeat(length);
const many = <T>(count: number, one: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => one(index));
const nested = (depth: number): JsonObject => (depth === 0 ? { leaf: 1 } : { level: nested(depth - 1) });
/** Names and texts of together so many bytes, each within its own limit. */
const properties = (sizeBytes: number): JsonObject => {
  const whole = Math.floor((sizeBytes - 1) / 4000);
  const rest = sizeBytes - whole * 4000;
  return Object.fromEntries([
    ...many(whole, (index) => [`k${String(index).padStart(3, '0')}`, text(3996)] as const),
    ['r', text(rest - 1)] as const,
  ]);
};
const message = (sizeBytes: number, messageId?: string) => ({
  body: Buffer.alloc(sizeBytes),
  systemProperties: messageId === undefined ? {} : { messageId },
  properties: {},
});
const routes = (count: number) => ({
  routes: many(count, (index) => ({
    name: `r${index}`,
    source: 'DeviceMessages',
    endpointNames: ['events'],
    isEnabled: true,
  })),
});
const enrichments = (count: number) => ({
  enrichments: many(count, (index) => ({ key: `k${index}`, value: 'v', endpointNames: ['events'] })),
});
const parsed = (routing: unknown) => {
  if (!routingSchema().safeParse(routing).success) throw new Error('It is refused.');
};

/** What it is; the largest (or smallest) that is allowed; what does it with a number. */
type Limit = readonly [what: string, limit: number, act: (hub: TestHub, value: number) => unknown];

/** @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-quotas-throttling */
const LARGEST: readonly Limit[] = [
  ['characters of a device id', 128, (hub, length) => createIdentity(hub, { deviceId: text(length) })],
  ['characters of a module id', 128, (hub, length) => createIdentity(hub, { ...D1, moduleId: text(length) })],
  ['bytes of a message to the cloud', 256 * KB, (hub, size) => appendMessages(hub, PROVEN, [message(size)])],
  ['bytes of a batch', 256 * KB, (hub, size) => appendMessages(hub, PROVEN, [message(1000), message(size - 1000)])],
  [
    'messages of a batch',
    500,
    (hub, count) =>
      appendMessages(
        hub,
        PROVEN,
        many(count, () => message(1)),
      ),
  ],
  ['characters of a message id', 128, (hub, length) => appendMessages(hub, PROVEN, [message(1, text(length))])],
  ['bytes of a message to a device', 64 * KB, (hub, size) => sendToDevice(hub, 'd1', message(size))],
  ['characters of its message id', 128, (hub, length) => sendToDevice(hub, 'd1', message(1, text(length)))],
  ['bytes of tags', 8 * KB, (hub, size) => changeTwin(hub, D1, { tags: properties(size) }, { mode: 'merge' })],
  [
    'bytes of desired properties',
    32 * KB,
    (hub, size) => changeTwin(hub, D1, { properties: { desired: properties(size) } }, { mode: 'merge' }),
  ],
  ['bytes of reported properties', 32 * KB, (hub, size) => patchReported(hub, D1, properties(size))],
  ['bytes of one text', 4 * KB, (hub, size) => patchReported(hub, D1, { a: text(size) })],
  ['bytes of a name', 1 * KB, (hub, size) => patchReported(hub, D1, { [text(size)]: 1 })],
  ['levels', 10, (hub, depth) => patchReported(hub, D1, nested(depth))],
  ['an integer', 4503599627370495, (hub, value) => patchReported(hub, D1, { value })],
  [
    'bytes of the payload of a method',
    128 * KB,
    (_hub, size) => readMethodRequest({ methodName: 'm', payload: text(size - '""'.length) }),
  ],
  [
    'seconds to answer a method',
    300,
    (_hub, seconds) => readMethodRequest({ methodName: 'm', responseTimeoutInSeconds: seconds }),
  ],
  [
    'seconds to connect for a method',
    300,
    (_hub, seconds) => readMethodRequest({ methodName: 'm', connectTimeoutInSeconds: seconds }),
  ],
  [
    'devices in bulk',
    100,
    (hub, count) =>
      changeRegistryInBulk(
        hub,
        many(count, (index) => ({ id: `b${index}`, importMode: 'create' })),
      ),
  ],
  [
    'routes',
    100,
    (_hub, count) => {
      parsed(routes(count));
    },
  ],
  [
    'enrichments',
    10,
    (_hub, count) => {
      parsed(enrichments(count));
    },
  ],
  [
    'consumer groups, $Default included',
    20,
    (_hub, count) => new ConsumerGroups(many(count - 1, (index) => `g${index}`)),
  ],
  ['days that messages are kept', 7, (_hub, days) => retentionMs({ retentionDays: days })],
  ['life of a message to a device', 2 * DAY_MS, (_hub, ms) => readQueueSettings({ defaultTtlMs: ms })],
  ['its deliveries', 100, (_hub, count) => readQueueSettings({ maxDeliveryCount: count })],
  ['life of feedback', 2 * DAY_MS, (_hub, ms) => readQueueSettings({ feedback: { ttlMs: ms } })],
  ['lock of feedback', 300_000, (_hub, ms) => readQueueSettings({ feedback: { lockMs: ms } })],
];

const SMALLEST: readonly Limit[] = [
  ['characters of a device id', 1, (hub, length) => createIdentity(hub, { deviceId: text(length) })],
  ['an integer', -4503599627370496, (hub, value) => patchReported(hub, D1, { value })],
  [
    'seconds to answer a method',
    5,
    (_hub, seconds) => readMethodRequest({ methodName: 'm', responseTimeoutInSeconds: seconds }),
  ],
  [
    'seconds to connect for a method',
    0,
    (_hub, seconds) => readMethodRequest({ methodName: 'm', connectTimeoutInSeconds: seconds }),
  ],
  ['days that messages are kept', 1, (_hub, days) => retentionMs({ retentionDays: days })],
  ['life of a message to a device', MINUTE_MS, (_hub, ms) => readQueueSettings({ defaultTtlMs: ms })],
  ['its deliveries', 1, (_hub, count) => readQueueSettings({ maxDeliveryCount: count })],
  ['lock of feedback', 5_000, (_hub, ms) => readQueueSettings({ feedback: { lockMs: ms } })],
];

/** What is there at most: so many go, the next one not. */
const COUNTS: readonly Limit[] = [
  ['messages in the queue of a device', 50, (hub) => sendToDevice(hub, 'd1', message(1))],
  ['modules of a device', 50, (hub, index) => createIdentity(hub, { ...D1, moduleId: `m${index}` })],
  [
    'configurations',
    100,
    (hub, index) =>
      createConfiguration(hub, `c${index}`, {
        id: `c${index}`,
        content: { deviceContent: { 'properties.desired.a': 1 } },
      }),
  ],
  ['open file uploads of a device', 10, (hub, index) => openFileUpload(hub, PROVEN, { blobName: `${index}.jpg` })],
];

describe('the limits of a hub', () => {
  let hub: TestHub;
  beforeEach(async () => {
    hub = aHub({
      uploadStorage: {
        containerName: 'uploads',
        hostName: 'storage.example',
        blobUrl: (name) => `https://storage.example/uploads/${name}`,
        sign: () => '?sig=x',
        lookUp: () => Promise.resolve(undefined),
      },
    });
    await createIdentity(hub, D1);
  });
  afterEach(() => {
    hub.store.close();
  });

  const attempt = async (act: Limit[2], value: number) => await Promise.resolve().then(() => act(hub, value));

  it.each(LARGEST)('take %s up to %d, and no more', async (_what, limit, act) => {
    await attempt(act, limit);
    await expect(attempt(act, limit + 1)).rejects.toThrow();
  });

  it.each(SMALLEST)('take %s from %d, and no less', async (_what, limit, act) => {
    await attempt(act, limit);
    await expect(attempt(act, limit - 1)).rejects.toThrow();
  });

  it.each(COUNTS)('hold %s up to %d', async (_what, limit, act) => {
    for (let index = 0; index < limit; index += 1) await attempt(act, index);
    await expect(attempt(act, limit)).rejects.toBeInstanceOf(HubError);
  });

  it('do not count control characters in texts', async () => {
    await patchReported(hub, D1, Object.fromEntries(many(9, (index) => [`k${index}`, '\t'.repeat(4096)])));
    await expect(
      patchReported(hub, D1, Object.fromEntries(many(9, (index) => [`k${index}`, text(4096)]))),
    ).rejects.toThrow();
  });
});

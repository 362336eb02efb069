import { earliestEventPosition } from '@azure/event-hubs';
import { EventHubReaders, bodyText } from '../support/event-hub.js';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { openTls, RawMqtt } from '../support/raw-mqtt.js';
import { sasToken } from '../support/sas.js';
import { until } from '../support/until.js';

const DEVICES = 20;
const EVENTS_EACH = 1_000;
const LIMIT_MS = 60_000;

/** The SDK has one connection for all partitions that a client follows. */
describe('a backlog of the built-in endpoint through one client of @azure/event-hubs', () => {
  let hub: TestIotHub;
  let readers: EventHubReaders;

  beforeAll(async () => {
    hub = await startTestIotHub();
    await Promise.all(Array.from({ length: DEVICES }, (_, index) => sendAll(`device-${index}`)));
  }, LIMIT_MS);
  beforeEach(() => {
    readers = new EventHubReaders(hub);
  });
  afterEach(() => readers.close());
  afterAll(() => hub.close());

  /** Sends 0, 1, 2, … */
  async function sendAll(deviceId: string): Promise<void> {
    const { connectionString } = await hub.addDevice(deviceId);
    const { emulator } = hub;
    const mqtt = new RawMqtt(await openTls({ port: emulator.port, ca: emulator.caCertificate }));
    const resource = encodeURIComponent(`localhost/devices/${deviceId}`);
    const code = await mqtt.connect({
      clientId: deviceId,
      username: `localhost/${deviceId}/?api-version=2021-04-12`,
      password: Buffer.from(sasToken({ resource, key: connectionString.split('SharedAccessKey=')[1] ?? '' })),
    });
    expect(code).toBe(0);
    const bodies = Array.from({ length: EVENTS_EACH }, (_, index) => String(index).padEnd(300));
    await Promise.all(bodies.map((body) => mqtt.publish(`devices/${deviceId}/messages/events/`, body)));
    mqtt.disconnect();
  }

  it.each([
    ['a few at a time', { maxBatchSize: 50 }],
    ['many at a time', { maxBatchSize: 300 }],
    ['far ahead', { maxBatchSize: 100, prefetchCount: 3_000 }],
  ])(
    'comes whole and in order, %s, also while the handler of one partition is busy',
    async (_name, options) => {
      const client = readers.client();
      const [busy, ...others] = await client.getPartitionIds();
      const idle = Promise.withResolvers<undefined>();
      const follow = (partitionId = '', onBatch: () => Promise<void>) =>
        readers.follow(client, {
          partitionId,
          startPosition: earliestEventPosition,
          onBatch,
          ...options,
        });
      const held = follow(busy, () => idle.promise);
      const flowing = others.map((partitionId) => follow(partitionId, () => Promise.resolve()));
      const all = [held, ...flowing];
      const count = (followed: readonly { events: readonly unknown[] }[]) =>
        followed.reduce((sum, { events }) => sum + events.length, 0);
      const expected = async (partitionIds: readonly string[]) => {
        const properties = await Promise.all(partitionIds.map((id) => client.getPartitionProperties(id)));
        return properties.reduce((sum, { lastEnqueuedSequenceNumber }) => sum + lastEnqueuedSequenceNumber + 1, 0);
      };
      const failed = () => all.some(({ errors }) => errors.length > 0);

      const flowingEvents = await expected(others);
      await until(() => failed() || count(flowing) === flowingEvents, 'the events of the others', LIMIT_MS);
      expect(held.events.length).toBeLessThanOrEqual(options.maxBatchSize);
      idle.resolve(undefined);
      await until(() => failed() || count(all) === DEVICES * EVENTS_EACH, 'all events', LIMIT_MS);

      expect(all.flatMap(({ errors }) => errors)).toEqual([]);
      const numbers = new Map<string, number[]>();
      for (const { events } of all) {
        expect(events.map(({ sequenceNumber }) => sequenceNumber)).toEqual(events.map((_event, index) => index));
        for (const event of events) {
          const deviceId = String(event.systemProperties?.['iothub-connection-device-id']);
          numbers.set(deviceId, [...(numbers.get(deviceId) ?? []), Number(bodyText(event))]);
        }
      }
      expect(numbers.size).toBe(DEVICES);
      const inOrder = Array.from({ length: EVENTS_EACH }, (_, index) => index);
      for (const ofDevice of numbers.values()) expect(ofDevice).toEqual(inOrder);
    },
    2 * LIMIT_MS,
  );
});

import {
  earliestEventPosition,
  type EventHubConsumerClient,
  latestEventPosition,
  type ReceivedEventData,
  type SubscribeOptions,
} from '@azure/event-hubs';
import { Message } from 'azure-iot-device';
import { type HubUnderTest, MESSAGING_PROTOCOLS, type MessagingProtocol } from '../../support/hub-under-test.js';
import { until } from '../../support/until.js';
import { type ConformanceCase, type ConformanceGroup, named } from './conformance-case.js';

const OVER = MESSAGING_PROTOCOLS;

/** Events of one device that `body` tells apart. */
async function send(hub: HubUnderTest, name: string, bodies: readonly string[]): Promise<string> {
  const { deviceId, connectionString } = await hub.addDevice(name);
  const device = await hub.device(connectionString, 'MQTT');
  for (const body of bodies) await device.sendEvent(new Message(body));
  return deviceId;
}

interface Reading {
  readonly events: ReceivedEventData[];
  readonly errors: Error[];
  /** Partitions that have answered: with events, or with none for a while. */
  readonly heardFrom: Set<string>;
  close(): Promise<void>;
}

/** Reads a device's events until closed; all partitions, or the one given. */
function read(
  client: EventHubConsumerClient,
  deviceId: string,
  options: SubscribeOptions,
  partitionId?: string,
): Reading {
  const events: ReceivedEventData[] = [];
  const errors: Error[] = [];
  const heardFrom = new Set<string>();
  const handlers = {
    processEvents: (batch: ReceivedEventData[], { partitionId: from }: { partitionId: string }) => {
      heardFrom.add(from);
      events.push(
        ...batch.filter(
          ({ systemProperties = {} }) =>
            systemProperties['iothub-connection-device-id'] === deviceId &&
            systemProperties['iothub-message-source'] === 'Telemetry',
        ),
      );
      return Promise.resolve();
    },
    processError: (error: Error) => {
      errors.push(error);
      return Promise.resolve();
    },
  };
  const patient = { maxWaitTimeInSeconds: 1, ...options };
  const subscription =
    partitionId === undefined ? client.subscribe(handlers, patient) : client.subscribe(partitionId, handlers, patient);
  return { events, errors, heardFrom, close: () => subscription.close() };
}

const bodiesOf = ({ events }: Reading) => events.map(({ body }) => String(body));

/** The partition of a device's events. */
async function partitionOf(client: EventHubConsumerClient, event: ReceivedEventData, deviceId: string) {
  for (const partitionId of await client.getPartitionIds()) {
    const options = { startPosition: { sequenceNumber: event.sequenceNumber, isInclusive: true } };
    const { lastEnqueuedSequenceNumber } = await client.getPartitionProperties(partitionId);
    if (lastEnqueuedSequenceNumber < event.sequenceNumber) continue;
    const reading = read(client, deviceId, options, partitionId);
    await until(() => reading.heardFrom.size > 0, `partition ${partitionId} answers`);
    await reading.close();
    if (reading.events.length > 0) return partitionId;
  }
  throw new Error(`No partition has the events of ${deviceId}.`);
}

const cases: readonly ConformanceCase<MessagingProtocol>[] = [
  {
    operation: 'Read the properties of the endpoint and of its partitions',
    over: OVER,
    async run(hub, protocol) {
      const client = hub.events(protocol);
      const ids = await client.getPartitionIds();
      expect(ids.length).toBeGreaterThanOrEqual(2);
      expect(await client.getEventHubProperties()).toMatchObject({ partitionIds: ids });
      const [first = ''] = ids;
      expect(await client.getPartitionProperties(first)).toMatchObject({
        partitionId: first,
        lastEnqueuedSequenceNumber: expect.any(Number) as number,
      });
    },
  },
  {
    operation: 'Read all events from the beginning',
    over: OVER,
    async run(hub, protocol) {
      const deviceId = await send(hub, named('earliest', protocol), ['one', 'two', 'three']);
      const reading = read(hub.events(protocol), deviceId, { startPosition: earliestEventPosition });
      await until(() => reading.events.length >= 3, 'three events', hub.isLive ? 120_000 : 10_000);
      expect(bodiesOf(reading)).toEqual(['one', 'two', 'three']);
      const numbers = reading.events.map(({ sequenceNumber }) => sequenceNumber);
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
      await reading.close();
    },
  },
  {
    operation: 'Read what comes from now on',
    over: OVER,
    async run(hub, protocol) {
      const { deviceId, connectionString } = await hub.addDevice(named('latest', protocol));
      const device = await hub.device(connectionString, 'MQTT');
      await device.sendEvent(new Message('before'));
      const client = hub.events(protocol);
      const partitions = await client.getPartitionIds();
      const reading = read(client, deviceId, { startPosition: latestEventPosition });
      await until(() => reading.heardFrom.size === partitions.length, 'all partitions listen', 30_000);
      await device.sendEvent(new Message('after'));
      await until(() => reading.events.length > 0, 'an event');
      expect(bodiesOf(reading)).toEqual(['after']);
      await reading.close();
    },
  },
  {
    operation: 'Read from a sequence number, an offset or a time',
    over: OVER,
    async run(hub, protocol) {
      const deviceId = await send(hub, named('places', protocol), ['one', 'two', 'three']);
      const [first, second] = (await hub.eventsOf(deviceId, 3)) as [ReceivedEventData, ReceivedEventData];
      const client = hub.events(protocol);
      const partitionId = await partitionOf(client, first, deviceId);
      for (const [startPosition, expected] of [
        [{ sequenceNumber: second.sequenceNumber, isInclusive: true }, ['two', 'three']],
        [{ sequenceNumber: second.sequenceNumber }, ['three']],
        [{ offset: second.offset }, ['three']],
        [{ offset: second.offset, isInclusive: true }, ['two', 'three']],
        [{ enqueuedOn: new Date(first.enqueuedTimeUtc.getTime() - 1) }, ['one', 'two', 'three']],
      ] as const) {
        const reading = read(client, deviceId, { startPosition }, partitionId);
        await until(() => reading.events.length >= expected.length, `${expected.length} events`);
        expect(bodiesOf(reading)).toEqual(expected);
        await reading.close();
      }
    },
  },
  {
    operation: 'Read beside other readers',
    over: OVER,
    async run(hub, protocol) {
      const deviceId = await send(hub, named('shared', protocol), ['one', 'two']);
      const options = { startPosition: earliestEventPosition };
      const readings = [1, 2].map(() => read(hub.events(protocol), deviceId, options));
      for (const reading of readings) {
        await until(() => reading.events.length >= 2, 'two events', hub.isLive ? 120_000 : 10_000);
        expect(bodiesOf(reading)).toEqual(['one', 'two']);
        await reading.close();
      }
    },
  },
  {
    operation: 'Take a partition over by a higher owner level',
    over: OVER,
    async run(hub, protocol) {
      const options = { startPosition: latestEventPosition };
      const older = read(hub.events(protocol), 'nobody', { ...options, ownerLevel: 1 }, '0');
      await until(() => older.heardFrom.size > 0, 'the first owner reads');
      const newer = read(hub.events(protocol), 'nobody', { ...options, ownerLevel: 2 }, '0');
      await until(() => older.errors.length > 0, 'the first owner is told');
      expect(older.errors[0]).toMatchObject({ code: 'ReceiverDisconnectedError' });
      await until(() => newer.heardFrom.size > 0, 'the second owner reads');
      await Promise.all([older.close(), newer.close()]);
    },
  },
];

/** What readers of the built-in endpoint do. */
export const EVENTS_CASES: ConformanceGroup<MessagingProtocol> = {
  title: 'Readers of the built-in endpoint',
  clients: '`@azure/event-hubs`',
  protocols: OVER,
  cases,
};

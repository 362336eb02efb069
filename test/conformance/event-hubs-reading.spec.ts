import { earliestEventPosition, latestEventPosition } from '@azure/event-hubs';
import { Message } from 'azure-iot-device';
import type { Client } from 'azure-iot-device';
import WebSocket from 'ws';
import { bodyText, EventHubReaders } from '../support/event-hub.js';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { until } from '../support/until.js';

describe('the built-in endpoint through @azure/event-hubs', () => {
  let hub: TestIotHub;
  let readers: EventHubReaders;

  beforeEach(async () => {
    hub = await startTestIotHub({ consumerGroups: ['dashboard'] });
    readers = new EventHubReaders(hub);
  });
  afterEach(async () => {
    await readers.close();
    await hub.close();
  });

  const connected = async (deviceId: string): Promise<Client> => {
    const { connectionString } = await hub.addDevice(deviceId);
    const device = await hub.device(connectionString);
    await device.open();
    return device;
  };
  const send = async (device: Client, ...texts: string[]) => {
    for (const text of texts) await device.sendEvent(new Message(text));
  };
  it('tells of the event hub and its partitions', async () => {
    const client = readers.client();
    expect(await client.getEventHubProperties()).toEqual({
      name: 'localhub',
      createdOn: expect.any(Date) as Date,
      partitionIds: ['0', '1', '2', '3'],
      isGeoDrEnabled: false,
    });
    expect(await client.getPartitionProperties('0')).toEqual({
      eventHubName: 'localhub',
      partitionId: '0',
      beginningSequenceNumber: 0,
      lastEnqueuedSequenceNumber: -1,
      lastEnqueuedOffset: '-1',
      lastEnqueuedOnUtc: new Date('0001-01-01T00:00:00Z'),
      isEmpty: true,
    });
    await expect(client.getPartitionProperties('4')).rejects.toThrow(/The specified partition is invalid/);

    const beganMs = Date.now();
    await send(await connected('d1'), 'a', 'b');
    const properties = await client.getPartitionProperties(await readers.partitionInUse());
    expect(properties).toMatchObject({ beginningSequenceNumber: 0, lastEnqueuedSequenceNumber: 1, isEmpty: false });
    expect(Number(properties.lastEnqueuedOffset)).toBeGreaterThan(0);
    expect(properties.lastEnqueuedOnUtc.getTime()).toBeGreaterThanOrEqual(beganMs);
  });

  it('brings a message as the device sent it, with what the hub knows of it', async () => {
    const device = await connected('d1');
    const message = new Message(JSON.stringify({ level: 5 }));
    message.messageId = 'm-1';
    message.correlationId = 'c-1';
    message.userId = 'u-1';
    message.contentType = 'application/json';
    message.contentEncoding = 'utf-8';
    message.properties.add('room', 'kitchen/ü');
    message.properties.add('iothub-creation-time-utc', '2030-01-01T00:00:00.000Z');
    await device.sendEvent(message);
    const { events } = readers.follow(readers.client(), { startPosition: earliestEventPosition });
    const event = await until(() => events[0], 'the event');
    const { generationId } = (await hub.registry.get('d1')).responseBody as { generationId?: string };
    expect(event).toMatchObject({
      body: { level: 5 },
      sequenceNumber: 0,
      offset: expect.stringMatching(/^\d+$/) as string,
      messageId: 'm-1',
      correlationId: 'c-1',
      contentType: 'application/json',
      properties: { room: 'kitchen/ü', 'iothub-creation-time-utc': '2030-01-01T00:00:00.000Z' },
    });
    expect(event.systemProperties).toMatchObject({
      'iothub-connection-device-id': 'd1',
      'iothub-connection-auth-generation-id': generationId,
      'iothub-enqueuedtime': event.enqueuedTimeUtc.getTime(),
      'iothub-message-source': 'Telemetry',
      userId: Buffer.from('u-1'),
      contentEncoding: 'utf-8',
    });
    const method = (event.systemProperties as Record<string, string>)['iothub-connection-auth-method'] ?? '';
    expect(JSON.parse(method)).toMatchObject({ scope: 'device', type: 'sas', issuer: 'iothub' });
    expect(Object.keys(event.systemProperties ?? {})).not.toContain('iothub-connection-module-id');
  });

  it('begins at each kind of position', async () => {
    const device = await connected('d1');
    await send(device, 'a', 'b', 'c');
    const partition = await readers.partitionInUse();
    const { events } = readers.follow(readers.client(), {
      partitionId: partition,
      startPosition: earliestEventPosition,
    });
    await until(() => events.length === 3, 'three events');
    const [a, b] = events;
    if (!a || !b) throw new Error('There are no events.');
    expect(events.map(bodyText)).toEqual(['a', 'b', 'c']);
    expect(await readers.bodies(partition, { offset: b.offset }, 1)).toEqual(['c']);
    expect(await readers.bodies(partition, { offset: b.offset, isInclusive: true }, 2)).toEqual(['b', 'c']);
    expect(await readers.bodies(partition, { sequenceNumber: 0 }, 2)).toEqual(['b', 'c']);
    expect(await readers.bodies(partition, { sequenceNumber: 0, isInclusive: true }, 3)).toEqual(['a', 'b', 'c']);
    expect(await readers.bodies(partition, { enqueuedOn: new Date(0) }, 3)).toEqual(['a', 'b', 'c']);
    await until(() => Date.now() > a.enqueuedTimeUtc.getTime() + 1000, 'a second later');
    const later = Date.now() - 1;
    await send(device, 'd');
    expect(await readers.bodies(partition, { enqueuedOn: later }, 1)).toEqual(['d']);
    await expect(readers.bodies(partition, { sequenceNumber: 99 }, 1)).rejects.toThrow(/'99' is invalid.*'3'/);
  });

  it('brings a latest reader what comes after it, in order', async () => {
    const device = await connected('d1');
    await send(device, 'before');
    const partition = await readers.partitionInUse();
    const { events } = readers.follow(readers.client(), { partitionId: partition, startPosition: latestEventPosition });
    await until(
      () => hub.log.some(({ msg, address }) => msg === 'Link opened' && String(address).includes('Partitions')),
      'the link',
    );
    const texts = Array.from({ length: 50 }, (_, index) => `after ${index}`);
    await send(device, ...texts);
    await until(() => events.length >= 50, 'fifty events');
    expect(events.map(bodyText)).toEqual(texts);
  });

  it('brings all partitions to every consumer group', async () => {
    const ids = Array.from({ length: 12 }, (_, index) => `d${index}`);
    for (const id of ids) await send(await connected(id), id);
    for (const group of ['$Default', '$default', 'dashboard']) {
      const { events, partitions } = readers.follow(readers.client({ group }), {
        startPosition: earliestEventPosition,
      });
      await until(() => events.length === ids.length, `all events for ${group}`);
      expect(events.map(bodyText).sort()).toEqual([...ids].sort());
      expect(new Set(partitions).size).toBeGreaterThan(1);
    }
  });

  it('speaks over WebSocket too', async () => {
    await send(await connected('d1'), 'over');
    const client = readers.client({ webSocketOptions: { webSocket: WebSocket } });
    expect(await client.getPartitionIds()).toHaveLength(4);
    const { events } = readers.follow(client, { startPosition: earliestEventPosition });
    await until(() => events.length === 1, 'the event');
  });

  it('tells with each event of the newest one, when asked', async () => {
    await send(await connected('d1'), 'a', 'b', 'c');
    let last: { sequenceNumber?: number; offset?: string; enqueuedOn?: Date; retrievedOn?: Date } | undefined;
    const { events } = readers.follow(readers.client(), {
      startPosition: earliestEventPosition,
      trackLastEnqueuedEventProperties: true,
      maxBatchSize: 1,
      onBatch: (batch, context) => {
        if (batch.length > 0) last ??= { ...context.lastEnqueuedEventProperties };
        return Promise.resolve();
      },
    });
    await until(() => events.length === 3, 'three events');
    const newest = events[2];
    expect(last).toMatchObject({
      sequenceNumber: 2,
      offset: newest?.offset,
      enqueuedOn: newest?.enqueuedTimeUtc,
      retrievedOn: expect.any(Date) as Date,
    });
  });

  it('brings large bodies whole, and far more events than a reader asks for at once', async () => {
    const device = await connected('d1');
    const large = 'x'.repeat(250 * 1024);
    await send(device, large);
    await Promise.all(Array.from({ length: 3000 }, (_, index) => device.sendEvent(new Message(String(index)))));
    const { events } = readers.follow(readers.client(), { startPosition: earliestEventPosition, maxBatchSize: 7 });
    await until(() => events.length === 3001, 'all events', 25_000);
    expect(events.map(bodyText)[0] === large).toBe(true);
    expect(events.slice(1).map((event) => Number(bodyText(event)))).toEqual(
      Array.from({ length: 3000 }, (_, index) => index),
    );
    expect(events.map(({ sequenceNumber }) => sequenceNumber)).toEqual(
      Array.from({ length: 3001 }, (_, index) => index),
    );
  });
});

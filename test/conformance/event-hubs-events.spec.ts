import { earliestEventPosition, type ReceivedEventData } from '@azure/event-hubs';
import { Message } from 'azure-iot-device';
import { EventHubReaders, type Followed } from '../support/event-hub.js';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { until } from '../support/until.js';

const ROUTES = {
  routes: ['TwinChangeEvents', 'DeviceLifecycleEvents', 'DeviceConnectionStateEvents'].map((source) => ({
    name: source,
    source: source as 'TwinChangeEvents',
    condition: 'true',
    endpointNames: ['events'] as [string],
    isEnabled: true,
  })),
  fallbackRoute: {
    source: 'DeviceMessages' as const,
    condition: 'true',
    endpointNames: ['events'] as [string],
    isEnabled: true,
  },
};

/** What an application reads of the built-in endpoint when routes lead the hub's own events there. */
describe("the hub's events through @azure/event-hubs", () => {
  let hub: TestIotHub;
  let readers: EventHubReaders;
  let followed: Followed;

  beforeEach(async () => {
    hub = await startTestIotHub({ hubName: 'myhub', routing: ROUTES });
    readers = new EventHubReaders(hub);
    followed = readers.follow(readers.client(), { startPosition: earliestEventPosition });
  });
  afterEach(async () => {
    await readers.close();
    await hub.close();
  });

  const ofType = (opType: string): Promise<ReceivedEventData> =>
    until(() => followed.events.find(({ properties }) => properties?.opType === opType), `an event ${opType}`);
  const annotations = ({ systemProperties = {} }: ReceivedEventData) => systemProperties as Record<string, unknown>;

  it('come with the properties and annotations of their kinds', async () => {
    await hub.addDevice('cam1');
    const twin = (await hub.registry.getTwin('cam1')).responseBody;
    await twin.update({ tags: { room: 'a' } });
    await hub.registry.delete('cam1');
    const kinds = [
      ['createDeviceIdentity', 'deviceLifecycleEvents', 'deviceLifecycleNotification'],
      ['updateTwin', 'twinChangeEvents', 'twinChangeNotification'],
      ['deleteDeviceIdentity', 'deviceLifecycleEvents', 'deviceLifecycleNotification'],
    ] as const;
    for (const [opType, source, schema] of kinds) {
      const event = await ofType(opType);
      expect(event.properties).toMatchObject({
        hubName: 'myhub',
        deviceId: 'cam1',
        opType,
        'iothub-message-schema': schema,
        operationTimestamp: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      });
      expect(event).toMatchObject({ contentType: 'application/json', correlationId: expect.any(String) as string });
      expect(annotations(event)).toMatchObject({
        'iothub-connection-device-id': 'cam1',
        'iothub-message-source': source,
        'iothub-enqueuedtime': event.enqueuedTimeUtc.getTime(),
        contentEncoding: 'utf-8',
        userId: Buffer.from('myhub'),
      });
      // No device has sent it.
      expect(Object.keys(annotations(event)).filter((name) => name.includes('auth'))).toEqual([]);
    }
    expect((await ofType('updateTwin')).body).toMatchObject({ version: 3, tags: { room: 'a' } });
    expect(followed.events.map(({ sequenceNumber }) => sequenceNumber)).toEqual([0, 1, 2]);
  });

  it('tell of connections, beside the telemetry that came over them', async () => {
    const device = await hub.device((await hub.addDevice('cam1')).connectionString);
    await device.open();
    await device.sendEvent(new Message('{}'));
    await device.close();
    const connected = await ofType('deviceConnected');
    const disconnected = await ofType('deviceDisconnected');
    for (const event of [connected, disconnected]) {
      expect(annotations(event)).toMatchObject({
        'iothub-connection-device-id': 'cam1',
        'iothub-message-source': 'deviceConnectionStateEvents',
      });
      expect(event.body).toMatchObject({ sequenceNumber: expect.stringMatching(/^[0-9A-F]{64}$/) as string });
    }
    const numbers = [connected, disconnected].map(({ body }) => (body as { sequenceNumber: string }).sequenceNumber);
    expect([...numbers].sort()).toEqual(numbers);
    expect(followed.events.map((event) => annotations(event)['iothub-message-source'])).toEqual([
      'deviceLifecycleEvents',
      'deviceConnectionStateEvents',
      'Telemetry',
      'deviceConnectionStateEvents',
    ]);
  });
});

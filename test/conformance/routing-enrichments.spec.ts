import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { earliestEventPosition } from '@azure/event-hubs';
import { Message } from 'azure-iot-device';
import { EventHubReaders } from '../support/event-hub.js';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { until } from '../support/until.js';

describe('enrichments, read through the Event Hubs SDK', () => {
  let directory: string;
  let hub: TestIotHub;
  let readers: EventHubReaders;

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'enrichments-'));
    const routing = path.join(directory, 'routes.json');
    const enrichments = [
      { key: 'hub', value: '$iothubname', endpointNames: ['events'] },
      { key: 'floor', value: '$twin.tags.floor', endpointNames: ['events'] },
      { key: 'room', value: '$twin.tags.room', endpointNames: ['events'] },
      { key: 'own', value: 'of the hub', endpointNames: ['events'] },
    ];
    const fallbackRoute = { source: 'DeviceMessages', endpointNames: ['events'], isEnabled: true };
    await writeFile(routing, JSON.stringify({ fallbackRoute, enrichments }));
    hub = await startTestIotHub({ routing, hubName: 'myhub' });
    readers = new EventHubReaders(hub);
  });
  afterAll(async () => {
    await readers.close();
    await hub.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('are stamped on telemetry as application properties', async () => {
    const { connectionString } = await hub.addDevice('cam');
    await hub.registry.updateTwin('cam', { tags: { floor: 3 } }, '*');
    const device = await hub.device(connectionString);
    await device.open();
    const message = new Message('{}');
    message.properties.add('own', 'of the device');
    await device.sendEvent(message);
    const { events } = readers.follow(readers.client(), { startPosition: earliestEventPosition });
    const [event] = await until(() => events.length > 0 && events, 'the message');
    expect(event?.properties).toEqual({ hub: 'myhub', floor: '3', room: '$twin.tags.room', own: 'of the device' });
  });
});

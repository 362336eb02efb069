import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Message } from 'azure-iot-device';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { storedMessages } from '../support/stored-messages.js';

describe('device-to-cloud messages over MQTT', () => {
  let hub: TestIotHub;
  let dataDirectory: string;

  beforeAll(async () => {
    dataDirectory = await mkdtemp(join(tmpdir(), 'iot-hub-'));
    hub = await startTestIotHub({ inMemory: false, dataDirectory });
  });
  afterAll(async () => {
    await hub.close();
    await rm(dataDirectory, { recursive: true });
  });

  it('of 256 KiB arrive', async () => {
    const { connectionString } = await hub.addDevice('heavy');
    const device = await hub.device(connectionString);
    const body = Buffer.alloc(256 * 1024, 'x');
    await device.sendEvent(new Message(body));
    expect(storedMessages(dataDirectory, 'heavy').map((message) => message.body.length)).toEqual([body.length]);
  });

  it('are the activity that the registry shows', async () => {
    const { connectionString } = await hub.addDevice('active');
    const before = (await hub.registry.get('active')).responseBody;
    expect(before.connectionState).toBe('Disconnected');
    expect(before.lastActivityTime).toBe('0001-01-01T00:00:00Z');
    const device = await hub.device(connectionString);
    await device.sendEvent(new Message('x'));
    const after = (await hub.registry.get('active')).responseBody;
    expect(after.connectionState).toBe('Connected');
    expect(Date.parse(after.lastActivityTime ?? '')).toBeGreaterThan(Date.now() - 60_000);
  });
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Message } from 'azure-iot-device';
import { Mqtt, MqttWs } from 'azure-iot-device-mqtt';
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

  it.each([
    ['Mqtt', Mqtt],
    ['MqttWs', MqttWs],
  ])('arrive through %s with body and properties, in order', async (name, transport) => {
    const deviceId = `sender-${name}`;
    const { connectionString } = await hub.addDevice(deviceId);
    const device = await hub.device(connectionString, transport);
    await device.open();

    const message = new Message(JSON.stringify({ temperature: 21.5 }));
    message.messageId = 'message/1';
    message.correlationId = 'c&1';
    message.contentType = 'application/json';
    message.contentEncoding = 'utf-8';
    message.properties.add('alert', 'yes & no = 100 %');
    message.properties.add('ort', 'Köln ☀');
    await device.sendEvent(message);
    for (let i = 0; i < 20; i += 1) void device.sendEvent(new Message(String(i)));
    await device.sendEvent(new Message('last'));

    const [first, ...others] = storedMessages(dataDirectory, deviceId);
    expect(first).toEqual({
      body: '{"temperature":21.5}',
      systemProperties: {
        messageId: 'message/1',
        correlationId: 'c&1',
        contentType: 'application/json',
        contentEncoding: 'utf-8',
      },
      properties: { alert: 'yes & no = 100 %', ort: 'Köln ☀' },
    });
    expect(others.map(({ body }) => body)).toEqual([...Array.from({ length: 20 }, (_, i) => String(i)), 'last']);
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

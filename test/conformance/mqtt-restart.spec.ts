import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Message } from 'azure-iot-device';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { storedMessages } from '../support/stored-messages.js';
import { until } from '../support/until.js';

describe('a hub that is stopped and started again', () => {
  let dataDirectory: string;
  const hubs: TestIotHub[] = [];

  beforeAll(async () => {
    dataDirectory = await mkdtemp(join(tmpdir(), 'iot-hub-'));
  });
  afterAll(async () => {
    for (const hub of hubs) await hub.close();
    await rm(dataDirectory, { recursive: true });
  });

  async function start(port: number) {
    const hub = await startTestIotHub({ inMemory: false, dataDirectory, port });
    hubs.push(hub);
    return hub;
  }

  it('goes on with devices that reconnect: messages, twin, notifications and methods', async () => {
    const before = await start(0);
    const { connectionString } = await before.addDevice('loyal');
    const device = await before.device(connectionString);
    device.onDeviceMethod('echo', (request, response) => void response.send(200, request.payload));
    await device.open();
    const twin = await device.getTwin();
    let interval: unknown;
    twin.on('properties.desired', (patch: { interval?: number }) => {
      interval = patch.interval ?? interval;
    });
    await device.sendEvent(new Message('before'));
    await until(() => before.log.filter(({ msg }) => msg === 'Device subscribed').length === 3, 'all subscriptions');
    await before.emulator.close();

    const after = await start(before.emulator.port);
    expect(after.emulator.caCertificate).toBe(before.emulator.caCertificate);
    await until(() => after.log.some(({ msg }) => msg === 'Device connected'), 'the device comes back by itself');
    const call = await after.service.invokeDeviceMethod('loyal', { methodName: 'echo', payload: 'still there?' });
    expect(call.result).toEqual({ status: 200, payload: 'still there?' });
    await after.registry.updateTwin('loyal', { properties: { desired: { interval: 7 } } }, '*');
    await until(() => interval === 7, 'the device hears of the change');
    await twin.get();
    await device.sendEvent(new Message('after'));
    expect(storedMessages(dataDirectory, 'loyal').map(({ body }) => body)).toEqual(['before', 'after']);
  });
});

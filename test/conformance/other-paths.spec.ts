import { httpsCall } from '../support/https-call.js';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';

describe('paths that no SDK calls', () => {
  let hub: TestIotHub;

  beforeAll(async () => {
    hub = await startTestIotHub();
    await hub.addDevice('cam');
  });
  afterAll(() => hub.close());

  it('are RouteNotFound where no hub has any', async () => {
    const reply = await httpsCall(hub.agent, { method: 'GET', path: '/nothing/here' });
    expect(reply.status).toBe(404);
    expect(reply.headers['iothub-errorcode']).toBe('RouteNotFound');
  });

  it('tell of the health of the hub', async () => {
    const reply = await httpsCall(hub.agent, { method: 'GET', path: '/health' });
    expect(reply.status).toBe(200);
    expect(JSON.parse(reply.body)).toMatchObject({ status: 'ok', connectedDevices: 0 });
    const device = await hub.device(hub.emulator.deviceConnectionString('cam'));
    await device.open();
    const { body } = await httpsCall(hub.agent, { method: 'GET', path: '/health' });
    expect(JSON.parse(body)).toMatchObject({ connectedDevices: 1 });
  });
});

import type { Registry } from 'azure-iothub';
import { httpsCall } from '../support/https-call.js';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';

/** What the service SDK makes of a refusal it has no class for. */
type RestError = Error & { response?: { statusCode: number; headers: Record<string, string> }; responseBody?: string };

describe('what the hub does not have', () => {
  let hub: TestIotHub;
  let registry: Registry;

  beforeAll(async () => {
    hub = await startTestIotHub();
    ({ registry } = hub);
    await hub.addDevice('cam');
  });
  afterAll(() => hub.close());

  const cases: [string, string, () => Promise<unknown>][] = [
    ['import and export jobs', 'Import and export jobs', () => registry.listJobs()],
    ['an IoT Edge device', 'IoT Edge', () => registry.create({ deviceId: 'edge', capabilities: { iotEdge: true } })],
  ];

  it.each(cases)('is answered with 501, and named, for %s', async (_name, named, call) => {
    const error = await call().then(
      () => Promise.reject(new Error('It was answered.')),
      (cause: unknown) => cause as RestError,
    );
    expect(error.response?.statusCode).toBe(501);
    expect(error.response?.headers['iothub-errorcode']).toBe('NotImplemented');
    expect(error.responseBody).toContain(named);
  });

  it('is told apart from what no hub has', async () => {
    const reply = await httpsCall(hub.agent, { method: 'GET', path: '/nothing/here' });
    expect(reply.status).toBe(404);
    expect(reply.headers['iothub-errorcode']).toBe('RouteNotFound');
  });

  it('does not touch health', async () => {
    const reply = await httpsCall(hub.agent, { method: 'GET', path: '/health' });
    expect(reply.status).toBe(200);
    expect(JSON.parse(reply.body)).toMatchObject({ status: 'ok', connectedDevices: 0 });
    const device = await hub.device(hub.emulator.deviceConnectionString('cam'));
    await device.open();
    const { body } = await httpsCall(hub.agent, { method: 'GET', path: '/health' });
    expect(JSON.parse(body)).toMatchObject({ connectedDevices: 1 });
  });
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { IotHubDevice, type TwinProperties } from '#libs/iot-hub/device';
import { measureClockSkewMs } from '../../libs/iot-hub/device/src/clock-skew.js';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { until } from '../support/until.js';

/** The methods and desired properties that a device of these tests has seen. */
interface Seen {
  methods: string[];
  desired: TwinProperties[];
}

describe('a device at a hub', () => {
  let dataDirectory: string;
  let hub: TestIotHub;
  const devices: IotHubDevice[] = [];

  /** Starts a device that answers every method with the payload that it got, and reconnects at once. */
  const start = (connectionString: string): { device: IotHubDevice; seen: Seen } => {
    const seen: Seen = { methods: [], desired: [] };
    const device = new IotHubDevice({ connectionString, ca: hub.emulator.caCertificate }, { random: () => 0.01 });
    devices.push(device);
    device.start({
      onMethod: (call) => {
        seen.methods.push(call.name);
        void call.respond({ status: 201, payload: JSON.parse(call.body.toString()) as unknown });
      },
      onDesiredProperties: ({ desired }) => seen.desired.push(desired),
    });
    return { device, seen };
  };

  const invoke = async (deviceId: string, methodName: string, payload: unknown): Promise<unknown> => {
    const { result } = await hub.service.invokeDeviceMethod(deviceId, { methodName, payload });
    return result as unknown;
  };

  const restartHub = async (): Promise<void> => {
    const { port } = hub.emulator;
    await hub.close();
    hub = await startTestIotHub({ inMemory: false, dataDirectory, port });
  };

  beforeEach(async () => {
    Logger.overrideLogger(false);
    dataDirectory = await mkdtemp(join(tmpdir(), 'spyglass-device-'));
    hub = await startTestIotHub({ inMemory: false, dataDirectory });
  });

  afterEach(async () => {
    await Promise.all(devices.splice(0).map((device) => device.close()));
    await hub.close();
    await rm(dataDirectory, { recursive: true, force: true });
  });

  it('answers direct methods, whatever their name and payload', async () => {
    const { connectionString } = await hub.addDevice('cam');
    const { device, seen } = start(connectionString);
    await device.connected();
    for (const payload of [{ a: [1, 'é'] }, 'text', 7, null]) {
      await expect(invoke('cam', 'echo', payload)).resolves.toEqual({ status: 201, payload });
    }
    await invoke('cam', 'toString', {});
    expect(seen.methods).toEqual(['echo', 'echo', 'echo', 'echo', 'toString']);
  });

  it('answers calls at once without mixing their replies up', async () => {
    const { connectionString } = await hub.addDevice('cam');
    const { device } = start(connectionString);
    await device.connected();
    const numbers = Array.from({ length: 40 }, (_, index) => index);
    await expect(Promise.all(numbers.map((number) => invoke('cam', 'echo', number)))).resolves.toEqual(
      numbers.map((payload) => ({ status: 201, payload })),
    );
  });

  it('sees what is desired, and is seen to report', async () => {
    const { connectionString } = await hub.addDevice('cam');
    const { device, seen } = start(connectionString);
    await device.connected();
    await device.reportProperties({ agent_version: '1', cameras: [{ index: 0, name: 'front' }] });
    await device.reportProperties({ agent_version: '2' });
    const { responseBody: twin } = await hub.registry.getTwin('cam');
    expect(twin.properties.reported).toMatchObject({ agent_version: '2', cameras: [{ index: 0, name: 'front' }] });

    await twin.update({ properties: { desired: { interval_seconds: 5, filter: { labels: ['person'], min: 1 } } } });
    await until(() => seen.desired.length === 2, 'the change is seen');
    expect(seen.desired[1]).toMatchObject({ interval_seconds: 5, filter: { labels: ['person'], min: 1 } });
  });

  it('comes back after the hub was away, with methods, twin and reports', async () => {
    const { connectionString } = await hub.addDevice('cam');
    const { device, seen } = start(connectionString);
    await device.reportProperties({ agent_version: '1' });
    await device.connected();
    await hub.close();
    await until(() => device.state.status === 'waiting', 'the loss is noticed');
    await device.reportProperties({ agent_version: '2' });

    await restartHub();
    await hub.registry.updateTwin('cam', { properties: { desired: { interval_seconds: 9 } } }, '*');
    await device.connected();
    await expect(invoke('cam', 'echo', 1)).resolves.toEqual({ status: 201, payload: 1 });
    await until(() => seen.desired.at(-1)?.interval_seconds === 9, 'the desired properties are seen');
    await until(async () => {
      const { responseBody: twin } = await hub.registry.getTwin('cam');
      return twin.properties.reported.agent_version === '2';
    }, 'what was reported while offline has arrived');
  });

  it('says what is wrong when its key is not the hub’s, and keeps trying slowly', async () => {
    await hub.addDevice('cam');
    const { device } = start(hub.emulator.deviceConnectionString('cam').replace(/Key=.*/, 'Key=d3Jvbmc='));
    const state = await until(() => device.state.status === 'waiting' && device.state, 'the refusal is noticed');
    expect(state).toMatchObject({
      delayMs: expect.any(Number),
      failure: { kind: 'rejected', hint: expect.stringContaining('"cam"') },
    });
    expect(state.delayMs).toBeGreaterThanOrEqual(5_000);
  });

  it('says what is wrong when the hub’s certificate is not trusted', async () => {
    const { connectionString } = await hub.addDevice('cam');
    const device = new IotHubDevice({ connectionString });
    devices.push(device);
    device.start({ onMethod: () => undefined, onDesiredProperties: () => undefined });
    const state = await until(() => device.state.status === 'waiting' && device.state, 'the failure is noticed');
    expect(state.failure).toMatchObject({ kind: 'untrusted', hint: expect.stringContaining('CA_FILE') });
  });

  it('does not fight another connection of its identity', async () => {
    const { connectionString } = await hub.addDevice('cam');
    const { device } = start(connectionString);
    await device.connected();
    // Microsoft's client reconnects without end, as a second agent of another make would.
    const other = await hub.device(connectionString);
    other.onDeviceMethod('who', (_request, response) => void response.send(200, 'the other'));
    await other.open();

    const state = await until(
      () => device.state.status === 'waiting' && device.state.failure.kind === 'replaced' && device.state,
      'the dispute is noticed',
    );
    expect(state.delayMs).toBeGreaterThanOrEqual(30_000);
    await until(
      () =>
        invoke('cam', 'who', null).then(
          (result) => (result as { payload: unknown }).payload === 'the other',
          () => false,
        ),
      'the other connection is left in peace',
    );
    expect(device.state.status).toBe('waiting');
  });

  it('says why the hub lets it store no file', async () => {
    const { connectionString } = await hub.addDevice('cam');
    const { device } = start(connectionString);
    await expect(device.getUploadTarget('a.jpg')).rejects.toMatchObject({
      code: 'UPLOAD.REFUSED',
      details: { hub_status: 400 },
    });
    await expect(device.getUploadTarget('写真.jpg')).rejects.toMatchObject({ code: 'UPLOAD.NAME_INVALID' });
    await hub.close();
    await expect(device.getUploadTarget('a.jpg')).rejects.toMatchObject({ code: 'UPLOAD.UNREACHABLE' });
  });

  it('tells by the hub’s clock how far its own is off', async () => {
    const { hostName, caCertificate } = hub.emulator;
    expect(Math.abs((await measureClockSkewMs(hostName, caCertificate)) ?? Infinity)).toBeLessThan(5_000);
    await hub.close();
    expect(await measureClockSkewMs(hostName, caCertificate)).toBeUndefined();
  });
});

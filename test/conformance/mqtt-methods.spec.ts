import type { Client, DeviceMethodRequest, DeviceMethodResponse } from 'azure-iot-device';
import { Mqtt, MqttWs } from 'azure-iot-device-mqtt';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { until } from '../support/until.js';

type Handler = (request: DeviceMethodRequest, response: DeviceMethodResponse) => void;
/** What the service SDK makes of a refusal. */
type RestError = Error & { response?: { statusCode: number; headers: Record<string, string> }; responseBody?: string };

describe('direct methods over MQTT', () => {
  let hub: TestIotHub;
  beforeAll(async () => {
    hub = await startTestIotHub();
  });
  afterAll(() => hub.close());

  async function connected(deviceId: string, transport: typeof Mqtt | typeof MqttWs = Mqtt) {
    const { connectionString } = await hub.addDevice(deviceId);
    const device = await hub.device(connectionString, transport);
    await device.open();
    return device;
  }

  /** The SDK subscribes without telling when it is done: a call that may wait for it does. */
  const invoke = async (deviceId: string, methodName: string, payload: unknown = null, more: object = {}) =>
    (await hub.service.invokeDeviceMethod(deviceId, { methodName, payload, connectTimeoutInSeconds: 10, ...more }))
      .result as { status: number; payload: unknown };

  const refusal = (call: Promise<unknown>) =>
    call.then(
      () => {
        throw new Error('The call was answered.');
      },
      (error: unknown) => error as RestError,
    );

  /** What the hub says within the message of a refusal: JSON in JSON. */
  const toldBy = ({ responseBody = '' }: RestError): unknown =>
    JSON.parse((JSON.parse(responseBody) as { Message: string }).Message);

  const answering = (status: number, payload?: unknown): Handler => {
    return (_request, response) => void response.send(status, payload);
  };

  it.each<[payload: unknown]>([[null], [0], ['text'], [[1, 2]], [{}]])(
    'carry the payload %j both ways',
    async (payload) => {
      const deviceId = `payload-${JSON.stringify(payload).replace(/\W/g, '')}`;
      const device = await connected(deviceId);
      device.onDeviceMethod('echo', (request, response) => void response.send(201, request.payload));
      expect(await invoke(deviceId, 'echo', payload)).toEqual({ status: 201, payload });
      await device.close();
    },
  );

  it('hand on any status the device gives', async () => {
    const device = await connected('statuses');
    device.onDeviceMethod('fail', answering(500, { code: 'BROKEN' }));
    device.onDeviceMethod('odd', answering(-7));
    expect(await invoke('statuses', 'fail')).toEqual({ status: 500, payload: { code: 'BROKEN' } });
    expect((await invoke('statuses', 'odd')).status).toBe(-7);
    await device.close();
  });

  it('keep 100 calls at once apart', async () => {
    const device = await connected('parallel');
    device.onDeviceMethod('double', (request, response) => {
      setImmediate(() => void response.send(200, (request.payload as number) * 2));
    });
    const calls = Array.from({ length: 100 }, (_, i) => invoke('parallel', 'double', i));
    expect((await Promise.all(calls)).map(({ payload }) => payload)).toEqual(
      Array.from({ length: 100 }, (_, i) => i * 2),
    );
    await device.close();
  });

  it('are 404 DeviceNotFound for a device nobody registered', async () => {
    const error = await refusal(invoke('nobody', 'any'));
    expect(error.response?.statusCode).toBe(404);
    expect(error.response?.headers['iothub-errorcode']).toBe('DeviceNotFound');
    expect(error.responseBody).toContain('404001');
  });

  it.each<[name: string, prepare: (deviceId: string) => Promise<Client | undefined>]>([
    [
      'is offline',
      async (deviceId) => {
        await hub.addDevice(deviceId);
        return undefined;
      },
    ],
    ['is connected but listens to no method', (deviceId) => connected(deviceId)],
  ])('are 404 DeviceNotOnline when the device %s', async (name, prepare) => {
    const deviceId = `unreachable-${name.length}`;
    const device = await prepare(deviceId);
    const error = await refusal(invoke(deviceId, 'any', null, { connectTimeoutInSeconds: 0 }));
    expect(error.response?.statusCode).toBe(404);
    expect(error.response?.headers['iothub-errorcode']).toBe('DeviceNotOnline');
    expect(toldBy(error)).toMatchObject({
      errorCode: 404103,
      message: expect.stringContaining("isn't online or hasn't registered the direct method callback") as string,
      info: { timeout: '00:00:00' },
    });
    await device?.close();
  });

  it('wait for the device to come, no longer than the connect timeout', async () => {
    await hub.addDevice('late');
    const call = invoke('late', 'wake', 'up', { connectTimeoutInSeconds: 10 });
    const device = await hub.device(hub.emulator.deviceConnectionString('late'));
    device.onDeviceMethod('wake', answering(200, 'awake'));
    await device.open();
    expect(await call).toEqual({ status: 200, payload: 'awake' });
    await device.close();

    const error = await refusal(invoke('late', 'wake', 'up', { connectTimeoutInSeconds: 1 }));
    expect(toldBy(error)).toMatchObject({ errorCode: 404103, info: { timeout: '00:00:01' } });
  });

  it('are 504 when the device does not answer in time, and a late answer reaches nobody', async () => {
    const device = await connected('slow');
    let late: DeviceMethodResponse | undefined;
    device.onDeviceMethod('sleep', (_request, response) => {
      late = response;
    });
    const error = await refusal(invoke('slow', 'sleep', null, { responseTimeoutInSeconds: 5 }));
    expect(error.name).toBe('GatewayTimeoutError');
    expect(toldBy(error)).toMatchObject({
      errorCode: 504101,
      message: 'Timed out waiting for the response from device.',
      info: { timeout: '00:00:05' },
    });
    await late?.send(200, 'too late');
    await until(() => hub.log.some(({ msg }) => msg.startsWith('Method answer dropped')), 'the hub drops the answer');
    await device.close();
  });

  it('end for a device that has gone', async () => {
    const device = await connected('leaving');
    device.onDeviceMethod('echo', answering(200));
    await invoke('leaving', 'echo');
    await device.close();
    const error = await refusal(invoke('leaving', 'echo', null, { connectTimeoutInSeconds: 0 }));
    expect(error.responseBody).toContain('404103');
  });
});

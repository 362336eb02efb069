import { NoRetry, SharedAccessSignature } from 'azure-iot-common';
import { Client, SharedAccessKeyAuthenticationProvider } from 'azure-iot-device';
import { Mqtt, MqttWs } from 'azure-iot-device-mqtt';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { until } from '../support/until.js';

const OTHER_KEY = Buffer.alloc(32, 1).toString('base64');

describe('connections of devices over MQTT', () => {
  let hub: TestIotHub;
  beforeAll(async () => {
    hub = await startTestIotHub();
  });
  afterAll(() => hub.close());

  const logged = (deviceId: string, text: string) =>
    hub.log.filter((line) => line.deviceId === deviceId && line.msg.startsWith(text)).length;
  const refusals = (clientId: string) =>
    hub.log.filter((line) => line.clientId === clientId).map(({ reason }) => reason);
  const isConnected = async (deviceId: string) =>
    String((await hub.registry.get(deviceId)).responseBody.connectionState) === 'Connected';
  const invoke = async (deviceId: string) =>
    (await hub.service.invokeDeviceMethod(deviceId, { methodName: 'm', payload: null, connectTimeoutInSeconds: 10 }))
      .result as { payload: unknown };

  async function clientWithToken(deviceId: string, { key, resource, expiresIn = 60 }: Token) {
    const expiry = Math.floor(Date.now() / 1000) + expiresIn;
    const token = SharedAccessSignature.create(
      resource ?? `${hub.emulator.hostName}/devices/${deviceId}`,
      null as unknown as string,
      key ?? (await keysOf(deviceId)).primaryKey,
      expiry,
    ).toString();
    const client = Client.fromSharedAccessSignature(token, Mqtt);
    await client.setOptions({ ca: hub.emulator.caCertificate });
    client.setRetryPolicy(new NoRetry());
    return client;
  }
  interface Token {
    key?: string;
    resource?: string;
    expiresIn?: number;
  }

  const keysOf = async (deviceId: string) => {
    const { authentication } = (await hub.registry.get(deviceId)).responseBody;
    return { primaryKey: '', secondaryKey: '', ...authentication?.symmetricKey };
  };

  it.each([
    ['Mqtt', Mqtt],
    ['MqttWs', MqttWs],
  ])('come and go through %s, as the registry shows', async (name, transport) => {
    const { connectionString } = await hub.addDevice(`visitor-${name}`);
    const device = await hub.device(connectionString, transport);
    await device.open();
    expect(await isConnected(`visitor-${name}`)).toBe(true);
    await device.close();
    await until(async () => !(await isConnected(`visitor-${name}`)), 'the registry shows it gone');
  });

  it.each<[name: string, deviceId: string, token: Token, reason: string]>([
    ['signed with another key', 'forged', { key: OTHER_KEY }, 'not signed with'],
    ['that has expired', 'expired', { expiresIn: -10 }, 'expired'],
    ['of a device nobody registered', 'unknown', { key: OTHER_KEY }, 'no such device'],
    ['of a disabled device', 'disabled', {}, 'disabled'],
  ])('are refused with a token %s, and the log says why', async (_name, deviceId, token, reason) => {
    if (deviceId !== 'unknown') {
      await hub.addDevice(deviceId, { status: deviceId === 'disabled' ? 'disabled' : 'enabled' });
    }
    const device = await clientWithToken(deviceId, token);
    await expect(device.open()).rejects.toMatchObject({ name: 'UnauthorizedError' });
    expect(refusals(deviceId).join()).toContain(reason);
    expect(JSON.stringify(hub.log)).not.toMatch(/SharedAccessSignature|sig=/);
    await device.close();
  });

  it('end when the device is disabled or deleted meanwhile', async () => {
    for (const [deviceId, change] of [
      ['to-disable', () => hub.registry.update({ deviceId: 'to-disable', status: 'disabled' })],
      ['to-delete', () => hub.registry.delete('to-delete')],
    ] as const) {
      await hub.addDevice(deviceId);
      const device = await clientWithToken(deviceId, {});
      await device.open();
      const gone = new Promise((resolve) => device.once('disconnect', resolve));
      await change();
      await gone;
      await device.close();
    }
  });

  it('end when their token does', async () => {
    await hub.addDevice('short');
    const device = await clientWithToken('short', { expiresIn: 2 });
    await device.open();
    await new Promise((resolve) => device.once('disconnect', resolve));
    expect(hub.log.find(({ deviceId, code }) => deviceId === 'short' && code === 401003)?.reason).toContain('expired');
    await device.close();
  });

  it('outlive their token when the client renews it, and methods and twin go on without a new SUBSCRIBE', async () => {
    const { connectionString } = await hub.addDevice('renewing');
    const device = Client.fromAuthenticationProvider(
      SharedAccessKeyAuthenticationProvider.fromConnectionString(connectionString, 3, 2),
      Mqtt,
    );
    await device.setOptions({ ca: hub.emulator.caCertificate });
    device.onDeviceMethod('m', (_request, response) => void response.send(200, 'still here'));
    const twin = await device.getTwin();
    await until(() => logged('renewing', 'Device connected') >= 3, 'two renewals');
    const subscribed = logged('renewing', 'Device subscribed');
    expect((await invoke('renewing')).payload).toBe('still here');
    await twin.get();
    expect(logged('renewing', 'Device subscribed')).toBe(subscribed);
    await device.close();
  });

  it('are one for each device: the newest wins', async () => {
    const { connectionString } = await hub.addDevice('twice');
    const [older, newer] = [await hub.device(connectionString), await hub.device(connectionString)];
    older.setRetryPolicy(new NoRetry());
    await older.open();
    const evicted = new Promise((resolve) => older.once('disconnect', resolve));
    newer.onDeviceMethod('m', (_request, response) => void response.send(200, 'newer'));
    await newer.open();
    await evicted;
    expect((await invoke('twice')).payload).toBe('newer');
    expect(hub.log.filter(({ deviceId, code }) => deviceId === 'twice' && code === 400027)).toHaveLength(1);
    expect(logged('twice', 'Device connected, replacing')).toBe(1);
    await newer.close();
  });

  it('of many devices stay apart', async () => {
    const names = Array.from({ length: 20 }, (_, i) => `fleet-${i}`);
    const devices = await Promise.all(
      names.map(async (deviceId) => {
        const { connectionString } = await hub.addDevice(deviceId);
        const device = await hub.device(connectionString);
        device.onDeviceMethod('m', (_request, response) => void response.send(200, deviceId));
        await device.open();
        return device;
      }),
    );
    const answers = await Promise.all(names.map(async (deviceId) => (await invoke(deviceId)).payload));
    expect(answers).toEqual(names);
    await Promise.all(devices.map((device) => device.close()));
  });
});

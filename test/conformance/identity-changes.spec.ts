import { randomBytes, X509Certificate } from 'node:crypto';
import { Agent } from 'node:https';
import { NoRetry } from 'azure-iot-common';
import { Client, Message } from 'azure-iot-device';
import { Amqp, AmqpWs } from 'azure-iot-device-amqp';
import { Http } from 'azure-iot-device-http';
import { Mqtt, MqttWs } from 'azure-iot-device-mqtt';
import { aCertificate } from '../../apps/iot-hub-emulator/test-support/certificates.js';
import { type DeviceTransport, startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { until } from '../support/until.js';

const CONNECTED: [string, DeviceTransport][] = [
  ['Mqtt', Mqtt],
  ['MqttWs', MqttWs],
  ['Amqp', Amqp],
  ['AmqpWs', AmqpWs],
];
const ALL: [string, DeviceTransport][] = [...CONNECTED, ['Http', Http]];

const newKey = (): string => randomBytes(32).toString('base64');

describe('a device whose identity changes', () => {
  let hub: TestIotHub;
  beforeAll(async () => {
    hub = await startTestIotHub();
  });
  afterAll(() => hub.close());

  const connectionString = (deviceId: string, key: string) =>
    `HostName=${hub.emulator.hostName};DeviceId=${deviceId};SharedAccessKey=${key}`;

  /** A client that has sent a message, and so is connected whatever its transport. */
  async function open(deviceId: string, key: string, transport: DeviceTransport): Promise<Client> {
    const client = await hub.device(connectionString(deviceId, key), transport);
    client.setRetryPolicy(new NoRetry());
    await client.open();
    await send(client);
    return client;
  }
  const send = (client: Client) => client.sendEvent(new Message('{}'));

  /** Opens, sends, closes; the name of the error if that fails. */
  async function outcome(deviceId: string, key: string, transport: DeviceTransport): Promise<string> {
    const client = await hub.device(connectionString(deviceId, key), transport);
    client.setRetryPolicy(new NoRetry());
    try {
      await client.open();
      await send(client);
      return 'served';
    } catch (cause) {
      return (cause as Error).name;
    } finally {
      await client.close().catch(() => undefined);
    }
  }

  const keysOf = (deviceId: string, primaryKey: string, secondaryKey: string) => ({
    deviceId,
    authentication: { type: 'sas' as const, symmetricKey: { primaryKey, secondaryKey } },
  });
  const reasons = (): (string | undefined)[] => hub.log.filter(({ level }) => level === 40).map(({ reason }) => reason);

  it.each(ALL)(
    'goes on through %s while its keys are rotated, and comes back with the new ones alone',
    async (name, transport) => {
      const deviceId = `rotated-${name}`;
      const [first, second, third] = [newKey(), newKey(), newKey()];
      await hub.registry.create(keysOf(deviceId, first, second));
      const client = await open(deviceId, first, transport);
      await hub.registry.update(keysOf(deviceId, second, first));
      await send(client);
      expect(await outcome(deviceId, first, transport)).toBe('served');
      expect(await outcome(deviceId, second, transport)).toBe('served');

      const latest = await open(deviceId, second, transport);
      await hub.registry.update(keysOf(deviceId, second, third));
      await send(latest);
      hub.log.length = 0;
      expect(await outcome(deviceId, first, transport)).toBe('UnauthorizedError');
      expect(reasons()).toContain(
        "the token is not signed with this device's keys, but with one that has been replaced",
      );
      expect(await outcome(deviceId, third, transport)).toBe('served');
      await latest.close();
      await client.close().catch(() => undefined);
    },
  );

  it.each(CONNECTED)(
    'loses its connection through %s at once when it is disabled, until it is enabled again',
    async (name, transport) => {
      const deviceId = `disabled-${name}`;
      const key = newKey();
      const identity = keysOf(deviceId, key, newKey());
      await hub.registry.create(identity);
      const client = await open(deviceId, key, transport);
      const lost = new Promise((resolve) => client.once('disconnect', resolve));
      await hub.registry.update({ ...identity, status: 'disabled' });
      await lost;
      expect(hub.log.find((line) => line.deviceId === deviceId && line.level === 40)).toMatchObject({
        msg: 'Connection closed by the hub',
        reason: 'disabled',
      });
      await until(
        async () => String((await hub.registry.get(deviceId)).responseBody.connectionState) === 'Disconnected',
        'the registry knows',
      );
      hub.log.length = 0;
      expect(await outcome(deviceId, key, transport)).toBe('UnauthorizedError');
      expect(reasons()).toContain('the device is disabled');
      await hub.registry.update({ ...identity, status: 'enabled' });
      expect(await outcome(deviceId, key, transport)).toBe('served');
      await client.close().catch(() => undefined);
    },
  );

  it('is refused over HTTPS while it is disabled', async () => {
    const key = newKey();
    const identity = keysOf('disabled-Http', key, newKey());
    await hub.registry.create(identity);
    expect(await outcome('disabled-Http', key, Http)).toBe('served');
    await hub.registry.update({ ...identity, status: 'disabled' });
    expect(await outcome('disabled-Http', key, Http)).not.toBe('served');
    await hub.registry.update({ ...identity, status: 'enabled' });
    expect(await outcome('disabled-Http', key, Http)).toBe('served');
  });

  it.each(CONNECTED)('loses its connection through %s at once when it is deleted', async (name, transport) => {
    const deviceId = `deleted-${name}`;
    const key = newKey();
    await hub.registry.create(keysOf(deviceId, key, newKey()));
    const client = await open(deviceId, key, transport);
    const lost = new Promise((resolve) => client.once('disconnect', resolve));
    await hub.registry.delete(deviceId);
    await lost;
    expect(hub.log.find((line) => line.deviceId === deviceId && line.level === 40)).toMatchObject({
      reason: 'deleted',
    });
    hub.log.length = 0;
    expect(await outcome(deviceId, key, transport)).toBe('UnauthorizedError');
    expect(reasons()).toContain('there is no such device');
    await hub.registry.create(keysOf(deviceId, key, newKey()));
    expect(await outcome(deviceId, key, transport)).toBe('served');
    await client.close().catch(() => undefined);
  });

  it.each(CONNECTED)(
    'goes on through %s when it is to prove itself in another way, and then has to',
    async (name, transport) => {
      const deviceId = `changed-${name}`;
      const key = newKey();
      const certificate = await aCertificate();
      await hub.registry.create(keysOf(deviceId, key, newKey()));
      const client = await open(deviceId, key, transport);
      const primaryThumbprint = new X509Certificate(certificate.cert).fingerprint.replaceAll(':', '');
      await hub.registry.update({
        deviceId,
        authentication: { type: 'selfSigned', x509Thumbprint: { primaryThumbprint, secondaryThumbprint: null } },
      });
      await send(client);
      await client.close();
      hub.log.length = 0;
      expect(await outcome(deviceId, key, transport)).toBe('UnauthorizedError');
      expect(reasons()).toContain('the device authenticates by certificate, not by key');

      const { port, caCertificate: ca } = hub.emulator;
      const { cert, key: privateKey } = certificate;
      const agent = new Agent({ host: 'localhost', port, ca, cert, key: privateKey });
      const host = transport === Mqtt || transport === Amqp ? hub.emulator.hostName : 'localhost';
      const byCertificate = Client.fromConnectionString(`HostName=${host};DeviceId=${deviceId};x509=true`, transport);
      await byCertificate.setOptions({
        ca,
        cert,
        key: privateKey,
        mqtt: { webSocketAgent: agent },
        amqp: { webSocketAgent: agent },
      });
      await byCertificate.open();
      await send(byCertificate);
      await byCertificate.close();
    },
  );
});

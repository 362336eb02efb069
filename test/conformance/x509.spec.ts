import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { Agent } from 'node:https';
import { connect } from 'node:tls';
import { earliestEventPosition } from '@azure/event-hubs';
import { Client, Message } from 'azure-iot-device';
import { Amqp, AmqpWs } from 'azure-iot-device-amqp';
import { Http } from 'azure-iot-device-http';
import { Mqtt, MqttWs } from 'azure-iot-device-mqtt';
import { generate } from 'mqtt-packet';
import { aCertificate, type TestCertificate } from '../../apps/iot-hub-emulator/test-support/certificates.js';
import { EventHubReaders, type Followed } from '../support/event-hub.js';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { until } from '../support/until.js';

type Transport = typeof Mqtt | typeof MqttWs | typeof Http | typeof Amqp | typeof AmqpWs;

const TRANSPORTS: [string, Transport][] = [
  ['Mqtt', Mqtt],
  ['MqttWs', MqttWs],
  ['Amqp', Amqp],
  ['AmqpWs', AmqpWs],
  ['Http', Http],
];
const DAY_MS = 24 * 60 * 60 * 1000;

const thumbprint = ({ cert }: TestCertificate): string => new X509Certificate(cert).fingerprint.replaceAll(':', '');
const thumbprint256 = ({ cert }: TestCertificate): string =>
  new X509Certificate(cert).fingerprint256.replaceAll(':', '');

describe('devices with certificates', () => {
  let root: TestCertificate;
  let intermediate: TestCertificate;
  let hub: TestIotHub;
  let readers: EventHubReaders;
  let builtIn: Followed;
  const clients: Client[] = [];
  beforeAll(async () => {
    root = await aCertificate({ commonName: 'test root', authority: true });
    intermediate = await aCertificate({ commonName: 'test intermediate', issuer: root, authority: true });
    hub = await startTestIotHub({
      caCertificates: [root.cert],
      storage: {
        connectionString:
          'DefaultEndpointsProtocol=https;AccountName=a;AccountKey=a2V5;BlobEndpoint=https://127.0.0.1:1/a',
        containerName: 'uploads',
      },
    });
    readers = new EventHubReaders(hub);
    builtIn = readers.follow(readers.client(), { startPosition: earliestEventPosition });
  });
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close().catch(() => undefined)));
    await readers.close();
    await hub.close();
  });

  async function selfSigned(deviceId: string, certificate: TestCertificate, of = thumbprint): Promise<void> {
    const x509Thumbprint = { primaryThumbprint: of(certificate), secondaryThumbprint: '' };
    await hub.registry.create({ deviceId, authentication: { type: 'selfSigned', x509Thumbprint } });
  }
  const signedByAuthority = (deviceId: string) =>
    hub.registry.create({ deviceId, authentication: { type: 'certificateAuthority' } });

  /** The certificate goes with every request of the agent: a client of the SDK's own would ask for other ports. */
  async function client(
    deviceId: string,
    { cert, key }: Pick<TestCertificate, 'cert' | 'key'>,
    transport: Transport,
  ): Promise<Client> {
    const { port, caCertificate: ca, hostName } = hub.emulator;
    const agent = new Agent({ host: 'localhost', port, ca, cert, key });
    const host = transport === Mqtt || transport === Amqp ? hostName : hostName.replace(/:\d+$/, '');
    const made = Client.fromConnectionString(`HostName=${host};DeviceId=${deviceId};x509=true`, transport);
    clients.push(made);
    await made.setOptions({
      cert,
      key,
      ca,
      mqtt: { webSocketAgent: agent },
      amqp: { webSocketAgent: agent },
      // Without a receive policy its setOptions never ends.
      http: { agent, receivePolicy: { manualPolling: true } },
    });
    return made;
  }

  const received = (deviceId: string) =>
    until(
      () =>
        builtIn.events.find(({ systemProperties }) => systemProperties?.['iothub-connection-device-id'] === deviceId),
      `a message of ${deviceId}`,
    );
  const reasons = (deviceId: string) =>
    hub.log.filter((line) => JSON.stringify(line).includes(deviceId) && line.level === 40).map(({ reason }) => reason);

  it.each(TRANSPORTS)('send through %s, known by thumbprint', async (name, transport) => {
    const deviceId = `thumbprint-${name}`;
    const certificate = await aCertificate();
    await selfSigned(deviceId, certificate, name === 'Mqtt' ? thumbprint256 : thumbprint);
    const device = await client(deviceId, certificate, transport);
    await device.open();
    await device.sendEvent(new Message('{"by":"thumbprint"}'));
    await device.close();
    const { systemProperties } = await received(deviceId);
    expect(JSON.parse(systemProperties?.['iothub-connection-auth-method'] as string)).toEqual({
      scope: 'device',
      type: 'x509',
      issuer: 'iothub',
      acceptingIpFilterRule: null,
    });
  });

  it.each(TRANSPORTS)('send through %s, signed by an authority, with another between them', async (name, transport) => {
    const deviceId = `signed-${name}`;
    await signedByAuthority(deviceId);
    const own = await aCertificate({ commonName: deviceId, issuer: intermediate });
    const device = await client(deviceId, { cert: own.cert + intermediate.cert, key: own.key }, transport);
    // Over and over: a connection that goes on from an earlier one must know the whole chain, too.
    for (let round = 0; round < 3; round += 1) {
      await device.open();
      await device.sendEvent(new Message(`{"round":${round}}`));
      await device.close();
    }
    await received(deviceId);
  });

  it.each(TRANSPORTS)('are refused through %s with a certificate that is not theirs', async (name, transport) => {
    const deviceId = `refused-${name}`;
    await signedByAuthority(deviceId);
    const past = { validFromMs: Date.now() - 2 * DAY_MS, validToMs: Date.now() - DAY_MS };
    const wrong: [TestCertificate, RegExp][] = [
      [await aCertificate({ commonName: 'another', issuer: root }), /common name is "another"/],
      [await aCertificate({ commonName: deviceId }), /self-signed/],
      [await aCertificate({ commonName: deviceId, issuer: root, ...past }), /expired at/],
      [await aCertificate({ commonName: deviceId, issuer: intermediate }), /leads to no authority/],
    ];
    for (const [certificate, reason] of wrong) {
      hub.log.length = 0;
      const device = await client(deviceId, certificate, transport);
      const attempt = device.open().then(() => device.sendEvent(new Message('no')));
      await expect(attempt).rejects.toMatchObject({ name: 'UnauthorizedError' });
      expect(reasons(deviceId).join()).toMatch(reason);
      await device.close();
    }
    expect(builtIn.events.filter(({ body }) => body === 'no')).toEqual([]);
  });

  it('open file uploads, and notify of them', async () => {
    const certificate = await aCertificate();
    await selfSigned('uploads', certificate);
    const device = await client('uploads', certificate, MqttWs);
    const upload = await device.getBlobSharedAccessSignature('a.jpg');
    expect(upload).toMatchObject({ containerName: 'uploads', blobName: 'uploads/a.jpg' });
    await device.notifyBlobUploadStatus(upload.correlationId, false, 500, 'The camera broke.');
    await device.close();
    const stranger = await client('uploads', await aCertificate(), MqttWs);
    await expect(stranger.getBlobSharedAccessSignature('a.jpg')).rejects.toThrow('Unauthorized');
    await stranger.close();
  });

  it('cannot come by key, nor a device of a key by certificate', async () => {
    const certificate = await aCertificate();
    await selfSigned('by-certificate', certificate);
    const key = Buffer.alloc(32, 1).toString('base64');
    const { hostName } = hub.emulator;
    const byKey = await hub.device(`HostName=${hostName};DeviceId=by-certificate;SharedAccessKey=${key}`);
    await expect(byKey.open()).rejects.toMatchObject({ name: 'UnauthorizedError' });
    expect(reasons('by-certificate')).toContain('the device authenticates by certificate, not by key');

    const { connectionString } = await hub.addDevice('by-key');
    const byCertificate = await client('by-key', certificate, Mqtt);
    await expect(byCertificate.open()).rejects.toMatchObject({ name: 'UnauthorizedError' });
    expect(reasons('by-key')).toContain('the device authenticates by key, not by certificate');
    const device = await hub.device(connectionString);
    await device.open();
    await device.close();
  });

  it('are asked for a certificate anew by every connection', async () => {
    const { port, caCertificate: ca } = hub.emulator;
    const own = await aCertificate({ commonName: 'anew', issuer: intermediate });
    const options = { host: 'localhost', port, ca, cert: own.cert + intermediate.cert, key: own.key };
    const sessions: Buffer[] = [];
    const first = connect(options).on('session', (session) => sessions.push(session));
    const session = await until(() => sessions.at(-1), 'a session to come back with');
    first.destroy();
    const second = connect({ ...options, session });
    await once(second, 'secureConnect');
    expect(second.isSessionReused()).toBe(false);
    second.destroy();
  });

  it('let modules come by certificates of their own', async () => {
    await signedByAuthority('with-modules');
    await hub.registry.addModule({
      deviceId: 'with-modules',
      moduleId: 'm1',
      authentication: { type: 'certificateAuthority' },
    } as never);
    const connack = async (commonName: string): Promise<number> => {
      const { cert, key } = await aCertificate({ commonName, issuer: root });
      const { port, caCertificate: ca } = hub.emulator;
      const socket = connect({ host: 'localhost', port, ca, cert, key });
      const username = 'localhost/with-modules/m1/?api-version=2021-04-12';
      socket.write(generate({ cmd: 'connect', clientId: 'with-modules/m1', username, clean: true, keepalive: 60 }));
      const [answer] = (await once(socket, 'data')) as [Buffer];
      socket.destroy();
      return answer.readUInt8(3);
    };
    expect(await connack('with-modules/m1')).toBe(0);
    expect(await connack('with-modules')).toBe(5);
    expect(reasons('with-modules/m1').at(-1)).toContain('common name is "with-modules", not "with-modules/m1"');
  });
});

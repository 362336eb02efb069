import { once } from 'node:events';
import { NoRetry } from 'azure-iot-common';
import type { Client, Message as ReceivedMessage } from 'azure-iot-device';
import { Message } from 'azure-iot-device';
import { DEVICE_PROTOCOLS, type DeviceProtocol, type HubUnderTest } from '../../support/hub-under-test.js';
import { until } from '../../support/until.js';
import { type ConformanceCase, type ConformanceGroup, named, refusalOf, report } from './conformance-case.js';

type Case = ConformanceCase<DeviceProtocol>;
type Json = Record<string, unknown>;

/** All but HTTPS, which knows no connection, and so nothing that a hub begins. */
const CONNECTED = DEVICE_PROTOCOLS.filter((protocol) => protocol !== 'HTTPS');
/** MQTT knows no more than to take a message. */
const SETTLING = DEVICE_PROTOCOLS.filter((protocol) => !protocol.startsWith('MQTT'));

async function connected(hub: HubUnderTest, protocol: DeviceProtocol, name: string) {
  const { deviceId, connectionString } = await hub.addDevice(named(name, protocol));
  const device = await hub.device(connectionString, protocol);
  await device.open();
  return { deviceId, device };
}

const messages: readonly Case[] = [
  {
    operation: 'Send a message with its properties',
    over: DEVICE_PROTOCOLS,
    async run(hub, protocol) {
      const { deviceId, device } = await connected(hub, protocol, 'sender');
      const message = new Message(JSON.stringify({ level: 1 }));
      message.messageId = 'm/1';
      message.correlationId = 'c&1';
      message.contentType = 'application/json';
      message.contentEncoding = 'utf-8';
      message.properties.add('alert', 'yes & no = 100 %');
      // Over HTTPS they are headers, which Node writes in Latin-1.
      const place = protocol === 'HTTPS' ? 'here' : 'Köln ☀';
      message.properties.add('place', place);
      await device.sendEvent(message);
      const [event] = await hub.eventsOf(deviceId, 1);
      expect(event).toMatchObject({
        body: { level: 1 },
        messageId: 'm/1',
        correlationId: 'c&1',
        contentType: 'application/json',
        properties: { alert: 'yes & no = 100 %', place },
        systemProperties: { 'iothub-message-source': 'Telemetry' },
      });
      expect(JSON.parse(String(event?.systemProperties?.['iothub-connection-auth-method']))).toMatchObject({
        scope: 'device',
        type: 'sas',
        issuer: 'iothub',
      });
    },
  },
  {
    operation: 'Announce the model it implements',
    // The SDK does it over MQTT alone.
    over: DEVICE_PROTOCOLS.filter((protocol) => protocol.startsWith('MQTT')),
    async run(hub, protocol) {
      const modelId = 'dtmi:com:example:Thermostat;1';
      const { deviceId, connectionString } = await hub.addDevice(named('model', protocol));
      const device = await hub.device(connectionString, protocol, { modelId });
      await device.open();
      await device.sendEvent(new Message('21'));
      const [event] = await hub.eventsOf(deviceId, 1);
      expect(event?.systemProperties).toMatchObject({ 'dt-dataschema': modelId });
      expect((await hub.registry.getTwin(deviceId)).responseBody).toMatchObject({ modelId });
    },
  },
  {
    operation: 'Send many messages, kept in their order',
    over: DEVICE_PROTOCOLS,
    async run(hub, protocol) {
      const { deviceId, device } = await connected(hub, protocol, 'busy');
      const numbers = Array.from({ length: 20 }, (_, number) => number);
      // Over HTTPS each has a request of its own, and only their sender can keep them in order.
      if (protocol === 'HTTPS') for (const number of numbers) await device.sendEvent(new Message(String(number)));
      else await Promise.all(numbers.map((number) => device.sendEvent(new Message(String(number)))));
      const events = await hub.eventsOf(deviceId, numbers.length);
      expect(events.map(({ body }) => Number(String(body)))).toEqual(numbers);
    },
  },
  {
    operation: 'Send a batch',
    // Of the SDK's transports this one alone has it.
    over: ['HTTPS'],
    async run(hub, protocol) {
      const { deviceId, device } = await connected(hub, protocol, 'batch');
      await device.sendEventBatch(['one', 'two', 'three'].map((text) => new Message(text)));
      const events = await hub.eventsOf(deviceId, 3);
      expect(events.map(({ body }) => String(body))).toEqual(['one', 'two', 'three']);
    },
  },
];

/** The next message of a device's client, left unsettled. The SDK would leave off receiving with its last listener. */
const nextMessage = (device: Client): Promise<ReceivedMessage> =>
  new Promise((resolve) => {
    device.on('message', resolve);
  });

const textOf = (message: ReceivedMessage): string => (message.getData() as Buffer).toString('utf8');

const queued = async (hub: HubUnderTest, deviceId: string) =>
  (await hub.registry.get(deviceId)).responseBody.cloudToDeviceMessageCount;

const cloudToDevice: readonly Case[] = [
  {
    operation: 'Receive and complete a cloud-to-device message',
    over: DEVICE_PROTOCOLS,
    async run(hub, protocol) {
      const { deviceId, device } = await connected(hub, protocol, 'receiver');
      const order = new Message('turn left');
      order.messageId = 'order-1';
      order.properties.add('why', 'because & so');
      await hub.sendToDevice(deviceId, order);
      const message = await nextMessage(device);
      expect(textOf(message)).toBe('turn left');
      expect(message.messageId).toBe('order-1');
      // Over HTTPS the SDK does not read the headers they come in.
      if (protocol !== 'HTTPS') expect(message.properties.getValue('why')).toBe('because & so');
      await device.complete(message);
      await until(async () => Number(await queued(hub, deviceId)) === 0, 'the queue is empty');
    },
  },
  {
    operation: 'Reject a cloud-to-device message',
    over: SETTLING,
    async run(hub, protocol) {
      const { deviceId, device } = await connected(hub, protocol, 'rejecting');
      await hub.sendToDevice(deviceId, new Message('no'));
      await device.reject(await nextMessage(device));
      await until(async () => Number(await queued(hub, deviceId)) === 0, 'the queue is empty');
    },
  },
  {
    operation: 'Abandon a cloud-to-device message, and get it again',
    over: SETTLING,
    async run(hub, protocol) {
      const { deviceId, device } = await connected(hub, protocol, 'abandoning');
      await hub.sendToDevice(deviceId, new Message('again'));
      const received: ReceivedMessage[] = [];
      device.on('message', (message: ReceivedMessage) => {
        received.push(message);
        void (received.length === 1 ? device.abandon(message) : device.complete(message));
      });
      await until(() => received.length === 2, 'the message comes again');
      expect(received.map((message) => textOf(message))).toEqual(['again', 'again']);
      await until(async () => Number(await queued(hub, deviceId)) === 0, 'the queue is empty');
    },
  },
];

const methods: readonly Case[] = [
  {
    operation: 'Answer a direct method',
    over: CONNECTED,
    async run(hub, protocol) {
      const { deviceId, device } = await connected(hub, protocol, 'callee');
      device.onDeviceMethod(
        'echo',
        (request, response) => void response.send(207, { got: request.payload as unknown }),
      );
      const { result } = await hub.service.invokeDeviceMethod(deviceId, {
        methodName: 'echo',
        payload: { in: [1, null, 'Köln ☀ "quoted"'] },
        connectTimeoutInSeconds: 10,
      });
      expect(result).toEqual({ status: 207, payload: { got: { in: [1, null, 'Köln ☀ "quoted"'] } } });
    },
  },
];

const twins: readonly Case[] = [
  {
    operation: 'Read its own twin',
    over: CONNECTED,
    async run(hub, protocol) {
      const { deviceId, device } = await connected(hub, protocol, 'reader');
      await hub.registry.updateTwin(
        deviceId,
        { tags: { site: 'a' }, properties: { desired: { rate: { s: 5 } } } },
        '*',
      );
      const twin = await device.getTwin();
      const { desired, reported } = JSON.parse(JSON.stringify(twin.properties)) as { desired: Json; reported: Json };
      expect(desired).toEqual({ rate: { s: 5 }, $version: 2 });
      expect(reported).toEqual({ $version: 1 });
    },
  },
  {
    operation: 'Report properties: objects merge, null removes, arrays replace',
    over: CONNECTED,
    async run(hub, protocol) {
      const { deviceId, device } = await connected(hub, protocol, 'reporter');
      const twin = await device.getTwin();
      await report(twin, { camera: { width: 640, height: 480 }, list: [1, 2], old: true });
      await report(twin, { camera: { width: 1280 }, list: [3], old: null });
      const { $metadata, ...reported } = (await hub.registry.getTwin(deviceId)).responseBody.properties.reported;
      expect(reported).toEqual({ camera: { width: 1280, height: 480 }, list: [3], $version: 3 });
      expect($metadata).toMatchObject({ camera: { width: { $lastUpdated: expect.any(String) as string } } });
    },
  },
  {
    operation: 'Be told why reported properties are refused',
    over: CONNECTED,
    async run(hub, protocol) {
      const { deviceId, device } = await connected(hub, protocol, 'careless');
      const twin = await device.getTwin();
      await refusalOf(report(twin, { big: 'x'.repeat(5_000) }));
      expect((await hub.registry.getTwin(deviceId)).responseBody.properties.reported.$version).toBe(1);
    },
  },
  {
    operation: 'Hear of changed desired properties',
    over: CONNECTED,
    async run(hub, protocol) {
      const { deviceId, device } = await connected(hub, protocol, 'listener');
      const twin = await device.getTwin();
      const patches: Json[] = [];
      twin.on('properties.desired', (patch: Json) => patches.push(patch));
      await until(() => patches.length === 1, 'the SDK tells the state it begins with');
      // It subscribes without telling when it is done: change until the device hears.
      let interval = 0;
      await until(async () => {
        interval += 1;
        await hub.registry.updateTwin(deviceId, { properties: { desired: { interval } } }, '*');
        return patches.length > 1;
      }, 'the device hears');
      const heard = patches.length;
      await hub.registry.updateTwin(deviceId, { properties: { desired: { mode: 'eco', interval: null } } }, '*');
      await until(
        () => patches.slice(heard).some((patch) => patch.mode === 'eco'),
        'the device hears of the last change',
      );
      expect(patches.at(-1)).toEqual({ mode: 'eco', interval: null, $version: interval + 2 });
    },
  },
];

const uploads: readonly Case[] = [
  {
    operation: 'Open and finish a file upload (always over HTTPS)',
    over: DEVICE_PROTOCOLS,
    async run(hub, protocol) {
      const { deviceId, device } = await connected(hub, protocol, 'uploader');
      const upload = (await device.getBlobSharedAccessSignature('a/b.jpg')) as unknown as Record<string, string>;
      expect(upload.blobName).toBe(`${deviceId}/a/b.jpg`);
      expect(upload.sasToken).toMatch(/^\?/);
      await device.notifyBlobUploadStatus(upload.correlationId ?? '', false, 500, 'no space');
    },
  },
];

const keysOf = async (hub: HubUnderTest, deviceId: string) => {
  const { authentication } = (await hub.registry.get(deviceId)).responseBody;
  return { primaryKey: '', secondaryKey: '', ...authentication?.symmetricKey };
};

/** Sends one message, which over any protocol takes a proof of identity. */
async function prove(hub: HubUnderTest, protocol: DeviceProtocol, connectionString: string): Promise<void> {
  const device = await hub.device(connectionString, protocol);
  device.setRetryPolicy(new NoRetry());
  await device.sendEvent(new Message('it is me'));
}

const withKey = (connectionString: string, key: string) =>
  connectionString.replace(/SharedAccessKey=.*/, `SharedAccessKey=${key}`);

const access: readonly Case[] = [
  {
    operation: 'Authenticate with either key',
    over: DEVICE_PROTOCOLS,
    async run(hub, protocol) {
      const { deviceId, connectionString } = await hub.addDevice(named('two-keys', protocol));
      const { secondaryKey } = await keysOf(hub, deviceId);
      await prove(hub, protocol, withKey(connectionString, secondaryKey));
    },
  },
  {
    operation: 'Authenticate with a token made elsewhere',
    over: DEVICE_PROTOCOLS,
    async run(hub, protocol) {
      const { deviceId } = await hub.addDevice(named('token', protocol));
      const { primaryKey } = await keysOf(hub, deviceId);
      const device = await hub.deviceWithToken(deviceId, primaryKey, protocol);
      await device.sendEvent(new Message('it is me'));
      expect(await hub.eventsOf(deviceId, 1)).toHaveLength(1);
    },
  },
  {
    operation: 'Authenticate by the thumbprint of its certificate',
    over: DEVICE_PROTOCOLS,
    async run(hub, protocol) {
      const { thumbprint, cert, key } = hub.certificate;
      const { deviceId, connectionString } = await hub.addDevice(named('thumbprint', protocol), {
        authentication: {
          type: 'selfSigned',
          x509Thumbprint: { primaryThumbprint: thumbprint, secondaryThumbprint: thumbprint },
        },
      });
      const target = connectionString.replace(/SharedAccessKey=.*/, 'x509=true');
      const device = await hub.device(target, protocol, { cert, key });
      await device.sendEvent(new Message('it is me'));
      const [event] = await hub.eventsOf(deviceId, 1);
      expect(String(event?.systemProperties?.['iothub-connection-auth-method'])).toContain('x509');
    },
  },
  {
    operation: 'Authenticate by a certificate that an authority of the hub has signed',
    over: DEVICE_PROTOCOLS,
    emulatorOnly: 'an authority would have to be registered with the hub',
    async run(hub, protocol) {
      const { deviceId, connectionString } = await hub.addDevice(named('signed', protocol), {
        authentication: { type: 'certificateAuthority' },
      });
      const { cert, key } = await hub.signedCertificate(deviceId);
      const target = connectionString.replace(/SharedAccessKey=.*/, 'x509=true');
      const device = await hub.device(target, protocol, { cert, key });
      await device.sendEvent(new Message('it is me'));
      const [event] = await hub.eventsOf(deviceId, 1);
      expect(String(event?.systemProperties?.['iothub-connection-auth-method'])).toContain('x509');
    },
  },
  {
    operation: 'Be refused with the key of another device',
    over: DEVICE_PROTOCOLS,
    async run(hub, protocol) {
      const { connectionString } = await hub.addDevice(named('forged', protocol));
      const forged = withKey(connectionString, Buffer.alloc(32, 1).toString('base64'));
      expect((await refusalOf(prove(hub, protocol, forged))).name).toBe('UnauthorizedError');
    },
  },
  {
    operation: 'Be refused while disabled',
    over: DEVICE_PROTOCOLS,
    async run(hub, protocol) {
      const { deviceId, connectionString } = await hub.addDevice(named('disabled', protocol));
      await prove(hub, protocol, connectionString);
      await hub.registry.update({ deviceId, status: 'disabled', ...(await sameKeys(hub, deviceId)) });
      await refusalOf(prove(hub, protocol, connectionString));
    },
  },
  {
    operation: 'Give way to its own newer connection',
    over: CONNECTED,
    async run(hub, protocol) {
      const { deviceId, connectionString } = await hub.addDevice(named('twice', protocol));
      const [older, newer] = [
        await hub.device(connectionString, protocol),
        await hub.device(connectionString, protocol),
      ];
      older.setRetryPolicy(new NoRetry());
      await older.sendEvent(new Message('here'));
      const gone = once(older, 'disconnect');
      newer.onDeviceMethod('which', (_request, response) => void response.send(200, 'newer'));
      await newer.open();
      await gone;
      const call = { methodName: 'which', payload: null, connectTimeoutInSeconds: 10 };
      expect((await hub.service.invokeDeviceMethod(deviceId, call)).result).toMatchObject({ payload: 'newer' });
    },
  },
];

/** The SDK sends an update without keys as one that wants new ones. */
const sameKeys = async (hub: HubUnderTest, deviceId: string) => {
  const { authentication } = (await hub.registry.get(deviceId)).responseBody;
  return authentication === undefined ? {} : { authentication };
};

/** What devices do. */
export const DEVICE_CASES: ConformanceGroup<DeviceProtocol> = {
  title: 'Devices',
  clients: '`azure-iot-device` with `-mqtt`, `-amqp` and `-http`',
  protocols: DEVICE_PROTOCOLS,
  cases: [...access, ...messages, ...cloudToDevice, ...methods, ...twins, ...uploads],
};

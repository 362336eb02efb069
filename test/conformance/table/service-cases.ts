import { randomUUID } from 'node:crypto';
import { Message } from 'azure-iot-common';
import type { Client, Registry } from 'azure-iothub';
import { type HubUnderTest, MESSAGING_PROTOCOLS, type MessagingProtocol } from '../../support/hub-under-test.js';
import { until } from '../../support/until.js';
import {
  type ConformanceCase,
  type ConformanceGroup,
  expectNotImplementedAt,
  named,
  NOT_IMPLEMENTED,
  refusalOf,
} from './conformance-case.js';

type ServiceProtocol = 'HTTPS' | MessagingProtocol;
type Case = ConformanceCase<ServiceProtocol>;
type Json = Record<string, unknown>;

const HTTPS = ['HTTPS'] as const;

const altered = (device: Registry.DeviceDescription, changes: Partial<Registry.DeviceDescription>) => ({
  ...device,
  ...changes,
});

const registry: readonly Case[] = [
  {
    operation: 'Create, read, change and delete a device',
    over: HTTPS,
    async run(hub) {
      const { deviceId } = await hub.addDevice('managed');
      const { responseBody: device } = await hub.registry.get(deviceId);
      expect(device).toMatchObject({ deviceId, status: 'enabled', connectionState: 'Disconnected' });
      const { responseBody: changed } = await hub.registry.update(altered(device, { status: 'disabled' }));
      expect(changed.status).toBe('disabled');
      expect(changed.etag).not.toBe(device.etag);
      await hub.registry.delete(deviceId);
      expect((await refusalOf(hub.registry.get(deviceId))).name).toBe('DeviceNotFoundError');
    },
  },
  {
    operation: 'Be refused a change of what has changed meanwhile',
    over: HTTPS,
    async run(hub) {
      const { deviceId } = await hub.addDevice('contended');
      const reply = await hub.call('DELETE', `/devices/${deviceId}`, { headers: { 'if-match': '"AAAAAAAAAAA="' } });
      expect(reply.status).toBe(412);
      expect(reply.headers['iothub-errorcode']).toBe('PreconditionFailed');
    },
  },
  {
    operation: 'List and count devices',
    over: HTTPS,
    async run(hub) {
      const { deviceId } = await hub.addDevice('listed');
      expect((await hub.registry.list()).responseBody.map((device) => device.deviceId)).toContain(deviceId);
      const { totalDeviceCount } = (await hub.registry.getRegistryStatistics()).responseBody;
      expect(totalDeviceCount).toBeGreaterThanOrEqual(1);
      const { body } = await hub.call('GET', '/statistics/service');
      expect(JSON.parse(body)).toEqual({ connectedDeviceCount: expect.any(Number) as number });
    },
  },
  {
    operation: 'Create, change and delete devices in bulk',
    over: HTTPS,
    async run(hub) {
      const devices = [1, 2, 3].map((number) => ({ deviceId: hub.uniqueName(`bulk-${number}`) }));
      expect((await hub.registry.addDevices(devices)).responseBody.isSuccessful).toBe(true);
      const disabled = devices.map(({ deviceId }) => ({ deviceId, status: 'disabled' as const }));
      expect((await hub.registry.updateDevices(disabled, true)).responseBody.isSuccessful).toBe(true);
      expect((await hub.registry.removeDevices(devices, true)).responseBody.isSuccessful).toBe(true);
    },
  },
  {
    operation: 'Create, list, change and delete modules',
    over: HTTPS,
    async run(hub) {
      const { deviceId } = await hub.addDevice('host');
      await hub.addModule(deviceId, 'm1');
      const modules = (await hub.registry.getModulesOnDevice(deviceId)).responseBody;
      expect(modules.map(({ moduleId }) => moduleId)).toEqual(['m1']);
      const { responseBody: module } = await hub.registry.getModule(deviceId, 'm1');
      await hub.registry.updateModule({ ...module, managedBy: 'somebody' });
      expect((await hub.registry.getModule(deviceId, 'm1')).responseBody.managedBy).toBe('somebody');
      await hub.registry.removeModule(deviceId, 'm1');
      expect((await hub.registry.getModulesOnDevice(deviceId)).responseBody).toEqual([]);
    },
  },
];

const twins: readonly Case[] = [
  {
    operation: 'Read, change and replace a twin',
    over: HTTPS,
    async run(hub) {
      const { deviceId } = await hub.addDevice('twin');
      const { responseBody: twin } = await hub.registry.getTwin(deviceId);
      const changed = await hub.registry.updateTwin(
        deviceId,
        { tags: { site: 'a' }, properties: { desired: { rate: 5, mode: 'eco' } } },
        twin.etag,
      );
      expect(changed.responseBody.properties.desired).toMatchObject({ rate: 5, mode: 'eco', $version: 2 });
      const reply = await hub.call('PUT', `/twins/${deviceId}`, {
        body: { tags: { room: 1 }, properties: { desired: { rate: 6 } } },
        headers: { 'if-match': '"*"' },
      });
      expect(reply.status).toBe(200);
      const { responseBody: replaced } = await hub.registry.getTwin(deviceId);
      expect(replaced.tags).toEqual({ room: 1 });
      expect(replaced.properties.desired).not.toHaveProperty('mode');
    },
  },
  {
    operation: "Read and change a module's twin",
    over: HTTPS,
    async run(hub) {
      const { deviceId } = await hub.addDevice('module-twin');
      await hub.addModule(deviceId, 'm1');
      await hub.registry.updateModuleTwin(deviceId, 'm1', { properties: { desired: { rate: 5 } } }, '*');
      const { responseBody: twin } = await hub.registry.getModuleTwin(deviceId, 'm1');
      expect(twin).toMatchObject({ deviceId, moduleId: 'm1', properties: { desired: { rate: 5, $version: 2 } } });
      expect((await hub.registry.getTwin(deviceId)).responseBody.properties.desired).toMatchObject({ $version: 1 });
    },
  },
  {
    operation: 'Query twins, page by page',
    over: HTTPS,
    async run(hub) {
      const tag = hub.uniqueName('tag');
      for (const name of ['q1', 'q2', 'q3']) {
        const { deviceId } = await hub.addDevice(name);
        await hub.registry.updateTwin(deviceId, { tags: { run: tag } }, '*');
      }
      await rowsLater(hub, `SELECT * FROM devices WHERE tags.run = '${tag}'`, 3, 2);
    },
  },
  {
    operation: 'Query with aggregates',
    over: HTTPS,
    async run(hub) {
      const tag = hub.uniqueName('group');
      for (const [name, site] of [
        ['g1', 'a'],
        ['g2', 'a'],
        ['g3', 'b'],
      ] as const) {
        const { deviceId } = await hub.addDevice(name);
        await hub.registry.updateTwin(deviceId, { tags: { run: tag, site } }, '*');
      }
      const sql = `SELECT tags.site AS site, COUNT() AS n FROM devices WHERE tags.run = '${tag}' GROUP BY tags.site`;
      const rows = await until(async () => {
        const { result } = (await hub.registry.createQuery(sql).next()) as { result: { site: string; n: number }[] };
        return (
          result.length === 2 && result[0]?.n !== undefined && result.reduce((sum, { n }) => sum + n, 0) === 3 && result
        );
      }, 'all three devices are counted');
      expect([...rows].sort((a, b) => a.site.localeCompare(b.site))).toEqual([
        { site: 'a', n: 2 },
        { site: 'b', n: 1 },
      ]);
    },
  },
  {
    operation: 'Query modules',
    over: HTTPS,
    async run(hub) {
      const { deviceId } = await hub.addDevice('query-modules');
      await hub.addModule(deviceId, 'm1');
      await rowsLater(hub, `SELECT * FROM devices.modules WHERE deviceId = '${deviceId}'`, 1);
    },
  },
];

/** A real hub's queries lag behind its writes. */
async function rowsLater(hub: HubUnderTest, sql: string, count: number, pageSize?: number): Promise<void> {
  await until(
    async () => {
      const query = hub.registry.createQuery(sql, pageSize);
      const pages: unknown[][] = [];
      while (query.hasMoreResults)
        pages.push(((await query.next(query.continuationToken)) as { result: unknown[] }).result);
      return (
        pages.flat().length === count && (pageSize === undefined || pages.every((page) => page.length <= pageSize))
      );
    },
    `${count} rows`,
    hub.isLive ? 60_000 : 10_000,
  );
}

const methods: readonly Case[] = [
  {
    operation: 'Call a direct method, and be told when nobody is there',
    over: HTTPS,
    async run(hub) {
      const { deviceId, connectionString } = await hub.addDevice('callee');
      const call = { methodName: 'echo', payload: { a: 1 } };
      // The error's shape is one that the SDK cannot read.
      const reply = await hub.call('POST', `/twins/${deviceId}/methods`, { body: call });
      expect(reply.status).toBe(404);
      expect(reply.headers['iothub-errorcode']).toBe('DeviceNotOnline');
      expect(JSON.parse((JSON.parse(reply.body) as { Message: string }).Message)).toMatchObject({ errorCode: 404103 });
      const device = await hub.device(connectionString, 'MQTT');
      device.onDeviceMethod('echo', (request, response) => void response.send(200, request.payload));
      await device.open();
      const { result } = await hub.service.invokeDeviceMethod(deviceId, { ...call, connectTimeoutInSeconds: 10 });
      expect(result).toEqual({ status: 200, payload: { a: 1 } });
    },
  },
];

interface Feedback {
  readonly originalMessageId: string;
  readonly statusCode: string;
  readonly deviceId: string;
}

/** Waits for what a receiver of the service gives and is wanted. */
function expectFrom<T>(receiver: NodeJS.EventEmitter, read: (message: Message) => T[], wanted: (one: T) => boolean) {
  return new Promise<T>((resolve) => {
    receiver.on('message', (message: Message) => {
      const found = read(message).find(wanted);
      if (found !== undefined) resolve(found);
    });
  });
}

const readJson = (message: Message): unknown => {
  const data: unknown = message.data;
  return JSON.parse(Buffer.isBuffer(data) || typeof data === 'string' ? data.toString() : JSON.stringify(data));
};

async function aReceivingDevice(hub: HubUnderTest, name: string) {
  const { deviceId, connectionString } = await hub.addDevice(name);
  const device = await hub.device(connectionString, 'MQTT');
  device.on('message', (message) => void device.complete(message));
  await device.open();
  return deviceId;
}

const fullyAcknowledged = (messageId: string): Message => {
  const message = new Message('x');
  message.messageId = messageId;
  message.ack = 'full';
  return message;
};

const cloudToDevice: readonly Case[] = [
  {
    operation: 'Send a cloud-to-device message',
    over: MESSAGING_PROTOCOLS,
    async run(hub, protocol) {
      const { deviceId } = await hub.addDevice(named('queue', protocol));
      const client = await messaging(hub, protocol);
      await client.send(deviceId, new Message('wait for it'));
      const { responseBody } = await hub.registry.get(deviceId);
      expect(responseBody.cloudToDeviceMessageCount).toBe(1);
    },
  },
  {
    operation: 'Be refused a message to a device that there is not',
    over: MESSAGING_PROTOCOLS,
    async run(hub, protocol) {
      const client = await messaging(hub, protocol);
      expect((await refusalOf(client.send(hub.uniqueName('nobody'), new Message('x')))).name).toBe(
        'DeviceNotFoundError',
      );
    },
  },
  {
    operation: 'Be refused the 51st message in the queue of a device',
    over: MESSAGING_PROTOCOLS,
    async run(hub, protocol) {
      const { deviceId } = await hub.addDevice(named('full', protocol));
      const client = await messaging(hub, protocol);
      for (let sent = 0; sent < 50; sent += 1) await client.send(deviceId, new Message('x'));
      expect((await refusalOf(client.send(deviceId, new Message('x')))).name).toBe(
        'DeviceMaximumQueueDepthExceededError',
      );
    },
  },
  {
    operation: 'Purge the queue of a device',
    over: HTTPS,
    async run(hub) {
      const { deviceId } = await hub.addDevice('purged');
      await hub.sendToDevice(deviceId, new Message('x'));
      const { body } = await hub.call('DELETE', `/devices/${deviceId}/commands`);
      expect(JSON.parse(body)).toMatchObject({ totalMessagesPurged: 1, deviceId });
    },
  },
  {
    operation: 'Receive feedback',
    over: ['HTTPS', ...MESSAGING_PROTOCOLS],
    async run(hub, protocol) {
      const deviceId = await aReceivingDevice(hub, named('acknowledging', protocol));
      const messageId = randomUUID();
      const wanted = (record: Feedback) => record.originalMessageId === messageId;
      if (protocol === 'HTTPS') {
        await hub.sendToDevice(deviceId, fullyAcknowledged(messageId));
        const record = await until(async () => (await takeFeedback(hub)).find(wanted), 'feedback', 30_000);
        expect(record).toMatchObject({ deviceId, statusCode: 'Success' });
        return;
      }
      const client = await messaging(hub, protocol);
      const { result: receiver } = (await client.getFeedbackReceiver()) as unknown as { result: NodeJS.EventEmitter };
      const feedback = expectFrom(receiver, (message) => readJson(message) as Feedback[], wanted);
      await hub.sendToDevice(deviceId, fullyAcknowledged(messageId));
      expect(await feedback).toMatchObject({ deviceId, statusCode: 'Success' });
      // Receivers share what there is: the next one wants it all.
      await client.close();
    },
  },
];

/** What there is now of feedback, completed. */
async function takeFeedback(hub: HubUnderTest): Promise<Feedback[]> {
  const { status, headers, body } = await hub.call('GET', '/messages/serviceBound/feedback');
  if (status !== 200) return [];
  const lock = String(headers.etag).replaceAll('"', '');
  await hub.call('DELETE', `/messages/serviceBound/feedback/${lock}`);
  return JSON.parse(body) as Feedback[];
}

const messaging = (hub: HubUnderTest, protocol: ServiceProtocol): Promise<Client> => {
  if (protocol === 'HTTPS') throw new Error('There are no messages over HTTPS.');
  return hub.messaging(protocol);
};

const uploads: readonly Case[] = [
  {
    operation: 'Receive file notifications',
    over: MESSAGING_PROTOCOLS,
    async run(hub, protocol) {
      const { deviceId, connectionString } = await hub.addDevice(named('notifying', protocol));
      const client = await messaging(hub, protocol);
      const { result: receiver } = (await client.getFileNotificationReceiver()) as unknown as {
        result: NodeJS.EventEmitter;
      };
      const notified = expectFrom(
        receiver,
        (message) => [readJson(message) as Json],
        (notification) => notification.deviceId === deviceId,
      );
      const device = await hub.device(connectionString, 'MQTT');
      await device.open();
      const upload = (await device.getBlobSharedAccessSignature('a.jpg')) as unknown as Record<string, string>;
      await device.notifyBlobUploadStatus(upload.correlationId ?? '', true, 201, 'done');
      expect(await notified).toMatchObject({ blobName: `${deviceId}/a.jpg` });
      await client.close();
    },
  },
];

const jobs: readonly Case[] = [
  {
    operation: 'Schedule a change of twins, and see how it goes',
    over: HTTPS,
    async run(hub) {
      const { deviceId } = await hub.addDevice('job-twin');
      const jobId = randomUUID();
      const patch = { etag: '*', tags: { by: jobId } };
      await hub.jobs.scheduleTwinUpdate(jobId, `deviceId = '${deviceId}'`, patch, new Date(), 60);
      await untilEnded(hub, jobId);
      expect((await hub.registry.getTwin(deviceId)).responseBody.tags).toEqual({ by: jobId });
    },
  },
  {
    operation: 'Schedule a direct method',
    over: HTTPS,
    async run(hub) {
      const { deviceId, connectionString } = await hub.addDevice('job-method');
      const device = await hub.device(connectionString, 'MQTT');
      const called = new Promise((resolve) => {
        device.onDeviceMethod('lock', (request, response) => {
          resolve(request.payload);
          void response.send(200, 'locked');
        });
      });
      await device.open();
      const jobId = randomUUID();
      const method = { methodName: 'lock', payload: { now: true }, responseTimeoutInSeconds: 15 };
      await hub.jobs.scheduleDeviceMethod(jobId, `deviceId = '${deviceId}'`, method, new Date(), 60);
      expect(await called).toEqual({ now: true });
      await untilEnded(hub, jobId);
    },
  },
  {
    operation: 'Cancel a job, list jobs, query their devices',
    over: HTTPS,
    async run(hub) {
      const { deviceId } = await hub.addDevice('job-cancelled');
      const jobId = randomUUID();
      const tomorrow = new Date(Date.now() + 24 * 60 * 60 * 1000);
      await hub.jobs.scheduleTwinUpdate(jobId, `deviceId = '${deviceId}'`, { etag: '*', tags: {} }, tomorrow, 60);
      await hub.jobs.cancelJob(jobId);
      const { jobStatus } = (await hub.jobs.getJob(jobId)) as unknown as { jobStatus: { status: string } };
      expect(jobStatus.status).toBe('cancelled');
      const query = hub.jobs.createQuery('scheduleUpdateTwin');
      const { result } = (await query.next()) as { result: { jobId: string }[] };
      expect(result.map((job) => job.jobId)).toContain(jobId);
    },
  },
];

async function untilEnded(hub: HubUnderTest, jobId: string): Promise<void> {
  await until(
    async () => {
      const { jobStatus } = (await hub.jobs.getJob(jobId)) as unknown as { jobStatus: { status: string } };
      return jobStatus.status === 'completed';
    },
    'the job is completed',
    hub.isLive ? 120_000 : 15_000,
  );
}

const configurations: readonly Case[] = [
  {
    operation: 'Keep, list, change and delete configurations (kept and returned; not applied to devices)',
    over: HTTPS,
    async run(hub) {
      const id = hub.uniqueName('winter');
      const content = { deviceContent: { 'properties.desired.heating': { on: true } } };
      await hub.registry.addConfiguration({
        id,
        content,
        schemaVersion: '1.0',
        targetCondition: "tags.site = 'a'",
        priority: 3,
      });
      const { responseBody: kept } = await hub.registry.getConfiguration(id);
      expect(kept).toMatchObject({ id, priority: 3, content });
      await hub.registry.updateConfiguration({ ...kept, priority: 4 }, true);
      const listed = (await hub.registry.getConfigurations()).responseBody;
      expect(listed.find((one) => one.id === id)?.priority).toBe(4);
      await hub.registry.removeConfiguration(id);
      await refusalOf(hub.registry.getConfiguration(id));
    },
  },
];

/** What stays out answers so, and says what it is. */
async function expectNotImplemented(call: Promise<unknown>, named: string): Promise<void> {
  const { response, responseBody } = await refusalOf(call);
  expect(response?.statusCode).toBe(501);
  expect(response?.headers['iothub-errorcode']).toBe('NotImplemented');
  expect(responseBody).toContain(named);
}

const out: readonly Case[] = [
  {
    operation: 'Import and export devices',
    over: HTTPS,
    refusedAs: NOT_IMPLEMENTED,
    run: (hub) =>
      expectNotImplemented(
        hub.registry.importDevicesFromBlob('https://storage.invalid/in', 'https://storage.invalid/out'),
        'Import and export jobs',
      ),
  },
  {
    operation: 'Digital twins: read and change',
    over: HTTPS,
    refusedAs: NOT_IMPLEMENTED,
    run: (hub) => expectNotImplementedAt(hub, 'GET', '/digitaltwins/thermostat', 'Digital twins'),
  },
  {
    operation: 'Digital twins: call commands',
    over: HTTPS,
    refusedAs: NOT_IMPLEMENTED,
    run: (hub) =>
      expectNotImplementedAt(hub, 'POST', '/digitaltwins/thermostat/commands/reboot', 'Digital twin commands'),
  },
  {
    operation: 'Register IoT Edge devices, scopes and parents',
    over: HTTPS,
    refusedAs: NOT_IMPLEMENTED,
    run: (hub) =>
      expectNotImplemented(
        hub.registry.create({ deviceId: hub.uniqueName('edge'), capabilities: { iotEdge: true } }),
        'IoT Edge',
      ),
  },
  {
    operation: 'Sign in with Entra ID',
    over: HTTPS,
    refusedAs: '401 `IotHubUnauthorizedAccess`',
    async run(hub) {
      const reply = await hub.call('GET', '/devices', { headers: { authorization: 'Bearer e30.e30.e30' } });
      expect(reply.status).toBe(401);
      expect(reply.headers['iothub-errorcode']).toBe('IotHubUnauthorizedAccess');
    },
  },
];

/** What services do. */
export const SERVICE_CASES: ConformanceGroup<ServiceProtocol> = {
  title: 'Services',
  clients: '`azure-iothub`',
  protocols: ['HTTPS', ...MESSAGING_PROTOCOLS],
  cases: [...registry, ...twins, ...methods, ...cloudToDevice, ...uploads, ...jobs, ...configurations, ...out],
};

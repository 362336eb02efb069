import { earliestEventPosition, type ReceivedEventData } from '@azure/event-hubs';
import { Message, ModuleClient, type Twin } from 'azure-iot-device';
import { Mqtt, MqttWs } from 'azure-iot-device-mqtt';
import type { Module, Registry } from 'azure-iothub';
import { EventHubReaders, type Followed } from '../support/event-hub.js';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { until } from '../support/until.js';

type Json = Record<string, unknown>;
/** What the service SDK makes of a refusal. */
type RestError = Error & { response?: { statusCode: number; headers: Record<string, string> } };

describe('modules', () => {
  let hub: TestIotHub;
  let registry: Registry;
  let readers: EventHubReaders;
  let builtIn: Followed;
  const clients: ModuleClient[] = [];
  beforeAll(async () => {
    hub = await startTestIotHub({
      routing: {
        routes: (['ModuleLifecycleEvents', 'TwinChangeEvents'] as const).map((source) => ({
          name: source,
          source,
          condition: 'true',
          endpointNames: ['events'],
          isEnabled: true,
        })),
        fallbackRoute: { source: 'DeviceMessages', condition: 'true', endpointNames: ['events'], isEnabled: true },
      },
    });
    ({ registry } = hub);
    readers = new EventHubReaders(hub);
    builtIn = readers.follow(readers.client(), { startPosition: earliestEventPosition });
  });
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close().catch(() => undefined)));
    await readers.close();
    await hub.close();
  });

  async function aModule(deviceId: string, moduleId = 'm1'): Promise<{ identity: Module; connectionString: string }> {
    const identity = (await registry.addModule({ deviceId, moduleId })).responseBody;
    const key = identity.authentication?.symmetricKey?.primaryKey ?? '';
    const { hostName } = hub.emulator;
    return {
      identity,
      connectionString: `HostName=${hostName};DeviceId=${deviceId};ModuleId=${moduleId};SharedAccessKey=${key}`,
    };
  }

  async function open(connectionString: string, transport: typeof Mqtt | typeof MqttWs = Mqtt): Promise<ModuleClient> {
    const target = transport === MqttWs ? connectionString.replace(/(HostName=[^:;]+):\d+/, '$1') : connectionString;
    const client = ModuleClient.fromConnectionString(target, transport);
    clients.push(client);
    await client.setOptions({ ca: hub.emulator.caCertificate, mqtt: { webSocketAgent: hub.agent } });
    await client.open();
    return client;
  }

  const refusal = (call: Promise<unknown>): Promise<[number | undefined, string | undefined]> =>
    call.then(
      () => Promise.reject(new Error('It was not refused.')),
      (cause: unknown) => {
        const { response } = cause as RestError;
        return [response?.statusCode, response?.headers['iothub-errorcode']];
      },
    );

  it('are registered, listed, changed by etag and removed through the service SDK', async () => {
    await hub.addDevice('registry');
    const { identity } = await aModule('registry');
    expect(identity).toMatchObject({ deviceId: 'registry', moduleId: 'm1', authentication: { type: 'sas' } });
    expect(identity).not.toHaveProperty('status');
    expect(await refusal(registry.addModule({ deviceId: 'registry', moduleId: 'm1' }))).toEqual([
      409,
      'ModuleAlreadyExistsOnDevice',
    ]);
    expect(await refusal(registry.addModule({ deviceId: 'nobody', moduleId: 'm1' }))).toEqual([404, 'DeviceNotFound']);
    expect(await refusal(registry.getModule('registry', 'nothing'))).toEqual([404, 'ModuleNotFound']);

    const changed = { ...identity, managedBy: 'a test' };
    const { responseBody: updated } = await registry.updateModule(changed, false);
    expect(updated).toMatchObject({ managedBy: 'a test', authentication: identity.authentication });
    expect(await refusal(registry.updateModule(changed, false))).toEqual([412, 'PreconditionFailed']);
    await registry.updateModule(changed, true);
    expect((await registry.getModule('registry', 'm1')).responseBody).toMatchObject({ managedBy: 'a test' });

    await aModule('registry', 'm2');
    const listed = (await registry.getModulesOnDevice('registry')).responseBody;
    expect(listed.map(({ moduleId }) => moduleId)).toEqual(['m1', 'm2']);
    expect((await registry.list()).responseBody.filter((device) => 'moduleId' in device)).toEqual([]);
    await registry.removeModule('registry', 'm2');
    expect(await refusal(registry.getModule('registry', 'm2'))).toEqual([404, 'ModuleNotFound']);
  });

  it.each([
    ['Mqtt', Mqtt],
    ['MqttWs', MqttWs],
  ])('send through %s, also to an output, beside their device and one another', async (name, transport) => {
    const deviceId = `sends-${name}`;
    const { connectionString } = await hub.addDevice(deviceId);
    const device = await hub.device(connectionString, transport);
    await device.open();
    const [first, second] = await Promise.all([
      aModule(deviceId, 'm1').then((module) => open(module.connectionString, transport)),
      aModule(deviceId, 'm2').then((module) => open(module.connectionString, transport)),
    ]);
    const message = new Message('{"from":1}');
    message.properties.add('kind', 'a/b c');
    await first.sendOutputEvent('alerts', message);
    await second.sendEvent(new Message('{"from":2}'));
    await device.sendEvent(new Message('{"from":0}'));
    const sent = await until(() => {
      const events = builtIn.events.filter((event) => deviceOf(event) === deviceId && sourceOf(event) === 'Telemetry');
      return events.length >= 3 && events;
    }, 'the built-in endpoint gives all three');
    const [fromFirst, fromSecond, fromDevice] = [1, 2, 0].map((from) =>
      sent.find(({ body }) => (body as { from: number }).from === from),
    );
    expect(fromFirst).toMatchObject({
      properties: { kind: 'a/b c' },
      systemProperties: {
        'iothub-connection-module-id': 'm1',
        'iothub-connection-auth-method': expect.stringContaining('"scope":"module"') as string,
      },
    });
    expect(fromSecond?.systemProperties).toMatchObject({ 'iothub-connection-module-id': 'm2' });
    expect(fromDevice?.systemProperties).not.toHaveProperty('iothub-connection-module-id');
    // All three are connected: none has pushed another out.
    expect(hub.log.filter(({ code, ...line }) => code === 400027 && line.deviceId === deviceId)).toEqual([]);
    const connected = (await registry.getModulesOnDevice(deviceId)).responseBody.map((each) => each.connectionState);
    expect(connected).toEqual(['Connected', 'Connected']);
    await device.close();
  });

  it('have twins that are nobody else’s', async () => {
    await hub.addDevice('twins');
    const { connectionString } = await aModule('twins');
    await registry.updateModuleTwin('twins', 'm1', { tags: { at: 'roof' }, properties: { desired: { rate: 1 } } }, '*');
    const client = await open(connectionString);
    const twin = await client.getTwin();
    expect(twin.properties.desired).toMatchObject({ rate: 1, $version: 2 });
    await report(twin, { ready: true });
    const patches: Json[] = [];
    twin.on('properties.desired', (patch: Json) => patches.push(patch));
    await until(async () => {
      await registry.updateModuleTwin('twins', 'm1', { properties: { desired: { rate: 2 } } }, '*');
      return patches.some(({ rate, $version }) => rate === 2 && Number($version) > 2);
    }, 'the module hears of its desired properties');
    const stored = (await registry.getModuleTwin('twins', 'm1')).responseBody;
    expect(stored).toMatchObject({
      deviceId: 'twins',
      moduleId: 'm1',
      tags: { at: 'roof' },
      connectionState: 'Connected',
      properties: { desired: { rate: 2 }, reported: { ready: true, $version: 2 } },
    });
    expect((await registry.getTwin('twins')).responseBody).toMatchObject({
      properties: { desired: { $version: 1 }, reported: { $version: 1 } },
    });
  });

  it('answer methods that are called on them alone', async () => {
    const { connectionString } = await hub.addDevice('methods');
    const device = await hub.device(connectionString);
    await device.open();
    device.onDeviceMethod('who', (_request, response) => void response.send(200, 'the device'));
    const modules = await Promise.all([aModule('methods', 'm1'), aModule('methods', 'm2')]);
    for (const [index, module] of modules.entries()) {
      const client = await open(module.connectionString);
      client.onMethod('who', (_request, response) => void response?.send(200, `module ${index + 1}`));
    }
    const who = async (...target: string[]) => {
      const call = { methodName: 'who', payload: null, connectTimeoutInSeconds: 10 };
      const [deviceId = '', moduleId] = target;
      const { result } = await (moduleId === undefined
        ? hub.service.invokeDeviceMethod(deviceId, call)
        : hub.service.invokeDeviceMethod(deviceId, moduleId, call));
      return (result as { payload: unknown }).payload;
    };
    expect(await who('methods', 'm1')).toBe('module 1');
    expect(await who('methods', 'm2')).toBe('module 2');
    expect(await who('methods')).toBe('the device');
    expect(await refusal(who('methods', 'm3'))).toEqual([404, 'ModuleNotFound']);
    await device.close();
  });

  it('are shown the door when they are deleted, with the reason in the log', async () => {
    await hub.addDevice('deleted');
    const { connectionString } = await aModule('deleted');
    const client = await open(connectionString);
    await registry.removeModule('deleted', 'm1');
    await until(
      () => hub.log.some((line) => line.moduleId === 'm1' && line.reason === 'deleted'),
      'the log says that the module was deleted',
    );
    await client.close();
    await expect(open(connectionString)).rejects.toThrow('Not authorized');
    expect(hub.log.filter(({ msg, clientId }) => msg === 'CONNECT refused' && clientId === 'deleted/m1')).toEqual([
      expect.objectContaining({ reason: 'there is no such module' }),
    ]);
  });

  it('make events when they come and go, and when their twins change', async () => {
    await hub.addDevice('events');
    await aModule('events');
    await registry.updateModuleTwin('events', 'm1', { tags: { at: 'roof' } }, '*');
    await registry.removeModule('events', 'm1');
    const events = await until(() => {
      const found = builtIn.events.filter((event) => deviceOf(event) === 'events');
      return found.length >= 3 && found;
    }, 'three events');
    const common = { hubName: 'localhub', deviceId: 'events', moduleId: 'm1' };
    expect(events.map(({ properties }) => properties)).toMatchObject([
      { ...common, opType: 'createModuleIdentity', 'iothub-message-schema': 'moduleLifecycleNotification' },
      { ...common, opType: 'updateTwin', 'iothub-message-schema': 'twinChangeNotification' },
      { ...common, opType: 'deleteModuleIdentity' },
    ]);
    expect(events[0]?.systemProperties).toMatchObject({
      'iothub-message-source': 'moduleLifecycleEvents',
      'iothub-connection-module-id': 'm1',
    });
    expect(events[0]?.body).toMatchObject({ deviceId: 'events', moduleId: 'm1', properties: {} });
  });
});

interface ReportedProperties {
  update(patch: Json, done: (error: Error | null) => void): void;
}
const report = (twin: Twin, patch: Json): Promise<void> =>
  new Promise((resolve, reject) => {
    (twin.properties.reported as ReportedProperties).update(patch, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });

const deviceOf = ({ systemProperties }: ReceivedEventData): unknown =>
  systemProperties?.['iothub-connection-device-id'];
const sourceOf = ({ systemProperties }: ReceivedEventData): unknown => systemProperties?.['iothub-message-source'];

import { Message } from 'azure-iot-device';
import { DEVICE_PROTOCOLS, type DeviceProtocol, type HubUnderTest } from '../../support/hub-under-test.js';
import { until } from '../../support/until.js';
import {
  type ConformanceCase,
  type ConformanceGroup,
  expectNotImplementedAt,
  named,
  NOT_IMPLEMENTED,
  report,
} from './conformance-case.js';

type Json = Record<string, unknown>;

const CONNECTED = DEVICE_PROTOCOLS.filter((protocol) => protocol !== 'HTTPS');

async function connected(hub: HubUnderTest, protocol: DeviceProtocol, name: string) {
  const { deviceId } = await hub.addDevice(named(name, protocol));
  const { connectionString } = await hub.addModule(deviceId, 'm1');
  const module = await hub.module(connectionString, protocol);
  await module.open();
  return { deviceId, module };
}

const cases: readonly ConformanceCase<DeviceProtocol>[] = [
  {
    operation: 'Send a message',
    over: CONNECTED,
    async run(hub, protocol) {
      const { deviceId, module } = await connected(hub, protocol, 'module-sender');
      await module.sendEvent(new Message('from a module'));
      const [event] = await hub.eventsOf(deviceId, 1);
      expect(String(event?.body)).toBe('from a module');
      expect(event?.systemProperties).toMatchObject({ 'iothub-connection-module-id': 'm1' });
    },
  },
  {
    operation: 'Answer a direct method',
    over: CONNECTED,
    async run(hub, protocol) {
      const { deviceId, module } = await connected(hub, protocol, 'module-callee');
      module.onMethod('echo', (request, response) => void response?.send(200, request?.payload));
      const call = { methodName: 'echo', payload: 'hello', connectTimeoutInSeconds: 10 };
      const { result } = await hub.service.invokeDeviceMethod(deviceId, 'm1', call);
      expect(result).toEqual({ status: 200, payload: 'hello' });
    },
  },
  {
    operation: 'Read its own twin, and report properties',
    over: CONNECTED,
    async run(hub, protocol) {
      const { deviceId, module } = await connected(hub, protocol, 'module-twin');
      await hub.registry.updateModuleTwin(deviceId, 'm1', { properties: { desired: { rate: 5 } } }, '*');
      const twin = await module.getTwin();
      expect(twin.properties.desired).toMatchObject({ rate: 5, $version: 2 });
      await report(twin, { ready: true });
      const { properties } = (await hub.registry.getModuleTwin(deviceId, 'm1')).responseBody;
      expect(properties.reported).toMatchObject({ ready: true, $version: 2 });
      // The device's own twin is another one.
      expect((await hub.registry.getTwin(deviceId)).responseBody.properties.reported).toMatchObject({ $version: 1 });
    },
  },
  {
    operation: 'Hear of changed desired properties',
    over: CONNECTED,
    async run(hub, protocol) {
      const { deviceId, module } = await connected(hub, protocol, 'module-listener');
      const twin = await module.getTwin();
      const patches: Json[] = [];
      twin.on('properties.desired', (patch: Json) => patches.push(patch));
      let interval = 0;
      await until(async () => {
        interval += 1;
        await hub.registry.updateModuleTwin(deviceId, 'm1', { properties: { desired: { interval } } }, '*');
        return patches.some((patch) => patch.interval !== undefined);
      }, 'the module hears');
    },
  },
  {
    operation: 'Send a message in a request of its own',
    over: ['HTTPS'],
    refusedAs: NOT_IMPLEMENTED,
    run: (hub) => expectNotImplementedAt(hub, 'POST', '/devices/d1/modules/m1/messages/events', 'Messages of modules'),
  },
  {
    operation: 'Open a file upload',
    over: ['HTTPS'],
    refusedAs: NOT_IMPLEMENTED,
    run: (hub) => expectNotImplementedAt(hub, 'POST', '/devices/d1/modules/m1/files', 'File uploads of modules'),
  },
];

/** What modules do. */
export const MODULE_CASES: ConformanceGroup<DeviceProtocol> = {
  title: 'Modules',
  clients: '`ModuleClient` of `azure-iot-device` with `-mqtt` and `-amqp`',
  protocols: DEVICE_PROTOCOLS,
  cases,
};

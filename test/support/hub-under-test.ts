import { randomBytes } from 'node:crypto';
import { Agent } from 'node:https';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { type EventHubConsumerClientOptions, EventHubConsumerClient, type ReceivedEventData } from '@azure/event-hubs';
import { Client as DeviceClient, ModuleClient } from 'azure-iot-device';
import { Amqp, AmqpWs } from 'azure-iot-device-amqp';
import { Http } from 'azure-iot-device-http';
import { Mqtt, MqttWs } from 'azure-iot-device-mqtt';
import {
  Amqp as ServiceAmqp,
  AmqpWs as ServiceAmqpWs,
  Client as ServiceClient,
  JobClient,
  Registry,
} from 'azure-iothub';
import { WebSocket } from 'ws';
import { startIotHubEmulator } from '../../apps/iot-hub-emulator/src/index.js';
import { type HttpsReply, httpsCall } from './https-call.js';
import { liveHub } from './live-hub.js';
import { signedBy } from './service-token.js';
import { until } from './until.js';

/** How devices reach a hub, by the names that the parity table gives them. */
const DEVICE_TRANSPORTS = {
  MQTT: Mqtt,
  'MQTT over WebSocket': MqttWs,
  AMQP: Amqp,
  'AMQP over WebSocket': AmqpWs,
  HTTPS: Http,
} as const;
export type DeviceProtocol = keyof typeof DEVICE_TRANSPORTS;
export const DEVICE_PROTOCOLS = Object.keys(DEVICE_TRANSPORTS) as DeviceProtocol[];

/** Over WebSocket the SDK appends its own port to the name of the host, which may have one. */
class ServiceAmqpWsOfHost extends ServiceAmqpWs {
  protected override _getConnectionUri(): string {
    return `wss://${this._config.host}/$iothub/websocket`;
  }
}

/** How services reach a hub; the SDK's REST calls are HTTPS whatever the transport. */
const SERVICE_TRANSPORTS = { AMQP: ServiceAmqp, 'AMQP over WebSocket': ServiceAmqpWsOfHost } as const;
export type MessagingProtocol = keyof typeof SERVICE_TRANSPORTS;

/** A registered device. */
export interface RegisteredDevice {
  readonly deviceId: string;
  readonly connectionString: string;
}

/** The hub that conformance is shown on: an emulator of the test's own, or a real one that the environment names. */
export interface HubUnderTest {
  readonly isLive: boolean;
  readonly registry: Registry;
  readonly jobs: JobClient;
  /** For direct methods. */
  readonly service: ServiceClient;
  /** A name that no other run uses. */
  uniqueName(name: string): string;
  addDevice(name: string, description?: Partial<Registry.DeviceDescription>): Promise<RegisteredDevice>;
  addModule(deviceId: string, moduleId: string): Promise<{ connectionString: string }>;
  /** A device's client, not yet connected. All clients are closed with the hub, if not before. */
  device(connectionString: string, protocol: DeviceProtocol): Promise<DeviceClient>;
  module(connectionString: string, protocol: DeviceProtocol): Promise<ModuleClient>;
  /** A service's client for messages, connected. */
  messaging(protocol: MessagingProtocol): Promise<ServiceClient>;
  events(protocol: MessagingProtocol, consumerGroup?: string): EventHubConsumerClient;
  /** A call that no SDK makes, with a token of the owner policy. `path` has no query. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<HttpsReply>;
  /** Waits for a device's first events of a source, as the built-in endpoint gives them, oldest first. */
  eventsOf(deviceId: string, count: number, source?: string): Promise<ReceivedEventData[]>;
  close(): Promise<void>;
}

/** Where a hub is. A port there must be is one that the SDKs do not expect. */
interface Place {
  readonly serviceConnectionString: string;
  readonly eventsConnectionString: string;
  readonly isLive: boolean;
  close(): Promise<void>;
}

async function findPlace(): Promise<Place> {
  const live = liveHub();
  if (live !== undefined) return { ...live, isLive: true, close: () => Promise.resolve() };
  const emulator = await startIotHubEmulator({
    port: 0,
    inMemory: true,
    // Devices put nothing there: the hub alone signs for it.
    storage: {
      connectionString:
        'DefaultEndpointsProtocol=https;AccountName=uploads;AccountKey=a2V5;BlobEndpoint=https://127.0.0.1:1/uploads',
      containerName: 'uploads',
    },
  });
  const trusted = getCACertificates('default');
  // Some of the SDKs take no certificate authority of their own.
  setDefaultCACertificates([...trusted, emulator.caCertificate]);
  return {
    serviceConnectionString: emulator.serviceConnectionString,
    eventsConnectionString: emulator.eventHubsConnectionString,
    isLive: false,
    async close() {
      setDefaultCACertificates(trusted);
      await emulator.close();
    },
  };
}

/** Opens the hub that the environment names, else an emulator in memory on a free port. */
export async function openHubUnderTest(): Promise<HubUnderTest> {
  const place = await findPlace();
  const { serviceConnectionString, eventsConnectionString } = place;
  const hostName = /HostName=([^;]+)/.exec(serviceConnectionString)?.[1] ?? '';
  const [host = '', port = '443'] = hostName.split(':');
  const agent = new Agent({ host, port: Number(port), keepAlive: true });
  const run = randomBytes(4).toString('hex');
  const startedAt = new Date(Date.now() - 60_000);
  const closings: (() => Promise<unknown>)[] = [];
  const devices: string[] = [];
  let collected: Promise<ReceivedEventData[]> | undefined;

  const registry = throughAgent(Registry.fromConnectionString(serviceConnectionString), agent);
  /** The SDKs put a port of their own behind the host over these. */
  const targetOf = (connectionString: string, protocol: DeviceProtocol) =>
    protocol.endsWith('WebSocket') ? connectionString.replace(/(HostName=[^:;]+):\d+/, '$1') : connectionString;
  const options = {
    http: { agent, receivePolicy: { manualPolling: true } },
    mqtt: { webSocketAgent: agent },
    amqp: { webSocketAgent: agent },
  };

  const hub: HubUnderTest = {
    isLive: place.isLive,
    registry,
    jobs: throughAgent(JobClient.fromConnectionString(serviceConnectionString), agent),
    service: throughAgent(ServiceClient.fromConnectionString(serviceConnectionString), agent),
    uniqueName: (name) => `${name}-${run}`,
    async addDevice(name, description = {}) {
      const deviceId = hub.uniqueName(name);
      const { responseBody } = await registry.create({ deviceId, ...description });
      devices.push(deviceId);
      const key = responseBody.authentication?.symmetricKey?.primaryKey ?? '';
      return { deviceId, connectionString: `HostName=${hostName};DeviceId=${deviceId};SharedAccessKey=${key}` };
    },
    async addModule(deviceId, moduleId) {
      await registry.addModule({ deviceId, moduleId });
      const { responseBody } = await registry.getModule(deviceId, moduleId);
      const key = responseBody.authentication?.symmetricKey?.primaryKey ?? '';
      return {
        connectionString: `HostName=${hostName};DeviceId=${deviceId};ModuleId=${moduleId};SharedAccessKey=${key}`,
      };
    },
    async device(connectionString, protocol) {
      const client = DeviceClient.fromConnectionString(
        targetOf(connectionString, protocol),
        DEVICE_TRANSPORTS[protocol],
      );
      closings.push(() => client.close());
      await client.setOptions(options);
      return client;
    },
    async module(connectionString, protocol) {
      const client = ModuleClient.fromConnectionString(
        targetOf(connectionString, protocol),
        DEVICE_TRANSPORTS[protocol],
      );
      closings.push(() => client.close());
      await client.setOptions(options);
      return client;
    },
    async messaging(protocol) {
      const client = ServiceClient.fromConnectionString(serviceConnectionString, SERVICE_TRANSPORTS[protocol]);
      closings.push(() => client.close());
      await client.open();
      return client;
    },
    events(protocol, consumerGroup = '$Default') {
      const overWebSocket: EventHubConsumerClientOptions = {
        webSocketOptions: { webSocket: WebSocketOfPort(eventsConnectionString) },
      };
      const client = new EventHubConsumerClient(
        consumerGroup,
        eventsConnectionString,
        protocol === 'AMQP' ? {} : overWebSocket,
      );
      closings.push(() => client.close());
      return client;
    },
    call: (method, path, body, headers = {}) =>
      httpsCall(agent, {
        method,
        path: `${path}?api-version=2021-04-12`,
        headers: { authorization: signedBy(serviceConnectionString), 'content-type': 'application/json', ...headers },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    async eventsOf(deviceId, count, source = 'Telemetry') {
      collected ??= collect(hub.events('AMQP'), startedAt);
      const all = await collected;
      const found = () =>
        all.filter(
          ({ systemProperties = {} }) =>
            systemProperties['iothub-connection-device-id'] === deviceId &&
            systemProperties['iothub-message-source'] === source,
        );
      return await until(
        () => {
          const events = found();
          return events.length >= count && events.slice(0, count);
        },
        `${count} events of ${deviceId}`,
        place.isLive ? 60_000 : 10_000,
      );
    },
    async close() {
      await Promise.allSettled(closings.map((close) => close()));
      if (place.isLive) await Promise.allSettled(devices.map((deviceId) => registry.delete(deviceId)));
      agent.destroy();
      await place.close();
    },
  };
  return hub;
}

/** Reads on, from a time before the run, into the list that it gives at once. */
function collect(client: EventHubConsumerClient, enqueuedOn: Date): Promise<ReceivedEventData[]> {
  const events: ReceivedEventData[] = [];
  client.subscribe(
    {
      processEvents: (batch) => {
        events.push(...batch);
        return Promise.resolve();
      },
      processError: (error) => Promise.reject(error),
    },
    { startPosition: { enqueuedOn }, maxWaitTimeInSeconds: 1 },
  );
  return Promise.resolve(events);
}

/** The SDK leaves the port of its endpoint out when it makes the WebSocket's URL. */
function WebSocketOfPort(eventsConnectionString: string): typeof WebSocket {
  const port = /Endpoint=sb:\/\/[^/;:]+:(\d+)/.exec(eventsConnectionString)?.[1];
  if (port === undefined) return WebSocket;
  return class extends WebSocket {
    constructor(url: string, protocols?: string | string[]) {
      super(Object.assign(new URL(url), { port }), protocols);
    }
  } as typeof WebSocket;
}

/** The REST clients take `host:port` for a host name: only an agent, set after construction, brings them to a port. */
function throughAgent<T extends Registry | ServiceClient | JobClient>(client: T, agent: Agent): T {
  const { _restApiClient: rest } = client as unknown as {
    _restApiClient: { setOptions(options: { http: { agent: Agent } }): void };
  };
  rest.setOptions({ http: { agent } });
  return client;
}

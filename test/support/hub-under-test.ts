import { randomBytes, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { EventHubConsumerClient, type ReceivedEventData } from '@azure/event-hubs';
import { SharedAccessSignature } from 'azure-iot-common';
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
import { aCertificate, type TestCertificate } from '../../apps/iot-hub-emulator/test-support/certificates.js';
import { type HttpsReply, httpsCall } from './https-call.js';
import { type HubPlace, openHubPlace } from './hub-place.js';
import { selfSignedCertificate } from './self-signed-certificate.js';
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

/** How services and readers of events reach a hub. What the SDK does by REST is HTTPS whatever the transport. */
const MESSAGING_TRANSPORTS = { AMQP: ServiceAmqp, 'AMQP over WebSocket': ServiceAmqpWsOfHost } as const;
export type MessagingProtocol = keyof typeof MESSAGING_TRANSPORTS;
export const MESSAGING_PROTOCOLS = Object.keys(MESSAGING_TRANSPORTS) as MessagingProtocol[];

const LIVE_LIMIT_MS = 60_000;
const EMULATOR_LIMIT_MS = 10_000;

/** The hub that conformance is shown on: an emulator of the test's own, or a real one that the environment names. */
export class HubUnderTest {
  readonly registry: Registry;
  readonly jobs: JobClient;
  /** For direct methods. */
  readonly service: ServiceClient;
  private readonly hostName: string;
  private readonly agent: Agent;
  private readonly run = randomBytes(4).toString('hex');
  private readonly startedAt = new Date(Date.now() - 60_000);
  private readonly closings: (() => Promise<unknown>)[] = [];
  private readonly devices: string[] = [];
  private readonly collected: ReceivedEventData[] = [];
  private collecting = false;
  private sender: Promise<ServiceClient> | undefined;

  constructor(
    private readonly place: HubPlace,
    /** Of nobody in particular, for devices that prove themselves by thumbprint. */
    readonly certificate: { readonly cert: string; readonly key: string; readonly thumbprint: string },
  ) {
    const { serviceConnectionString } = place;
    this.hostName = /HostName=([^;]+)/.exec(serviceConnectionString)?.[1] ?? '';
    const [host = '', port = '443'] = this.hostName.split(':');
    this.agent = new Agent({ host, port: Number(port), keepAlive: true });
    this.registry = this.throughAgent(Registry.fromConnectionString(serviceConnectionString));
    this.jobs = this.throughAgent(JobClient.fromConnectionString(serviceConnectionString));
    this.service = this.throughAgent(ServiceClient.fromConnectionString(serviceConnectionString));
  }

  get isLive(): boolean {
    return this.place.isLive;
  }

  /** A device's certificate, signed by an authority of the hub. @throws Error of a real hub, whose authorities are not ours. */
  async signedCertificate(deviceId: string): Promise<TestCertificate> {
    const { authority } = this.place;
    if (authority === undefined) throw new Error('There is no authority to sign it.');
    return await aCertificate({ commonName: deviceId, issuer: authority });
  }

  /** A name that no other run uses. */
  uniqueName(name: string): string {
    return `${name}-${this.run}`;
  }

  /** Registers an enabled device with keys made by the hub, unless told otherwise. It goes with the hub under test. */
  async addDevice(
    name: string,
    description: Partial<Registry.DeviceDescription> = {},
  ): Promise<{ deviceId: string; connectionString: string }> {
    const deviceId = this.uniqueName(name);
    const { responseBody } = await this.registry.create({ deviceId, ...description });
    this.devices.push(deviceId);
    const key = responseBody.authentication?.symmetricKey?.primaryKey ?? '';
    return { deviceId, connectionString: `HostName=${this.hostName};DeviceId=${deviceId};SharedAccessKey=${key}` };
  }

  async addModule(deviceId: string, moduleId: string): Promise<{ connectionString: string }> {
    await this.registry.addModule({ deviceId, moduleId });
    const { responseBody } = await this.registry.getModule(deviceId, moduleId);
    const key = responseBody.authentication?.symmetricKey?.primaryKey ?? '';
    const identity = `DeviceId=${deviceId};ModuleId=${moduleId}`;
    return { connectionString: `HostName=${this.hostName};${identity};SharedAccessKey=${key}` };
  }

  /** A device's client, not yet connected. All clients are closed with the hub, if not before. */
  async device(
    connectionString: string,
    protocol: DeviceProtocol,
    options?: { readonly cert: string; readonly key: string } | { readonly modelId: string },
  ): Promise<DeviceClient> {
    return await this.prepared(
      DeviceClient.fromConnectionString(this.reachable(connectionString, protocol), DEVICE_TRANSPORTS[protocol]),
      options,
    );
  }

  /** As {@link device}, with nothing but a token that is good for an hour. */
  async deviceWithToken(deviceId: string, key: string, protocol: DeviceProtocol): Promise<DeviceClient> {
    const inAnHour = Math.floor(Date.now() / 1000) + 3600;
    const host = this.reachable(`HostName=${this.hostName}`, protocol).replace('HostName=', '');
    const resource = `${host}/devices/${deviceId}`;
    const token = SharedAccessSignature.create(resource, null as unknown as string, key, inAnHour).toString();
    return await this.prepared(DeviceClient.fromSharedAccessSignature(token, DEVICE_TRANSPORTS[protocol]));
  }

  async module(connectionString: string, protocol: DeviceProtocol): Promise<ModuleClient> {
    return await this.prepared(
      ModuleClient.fromConnectionString(this.reachable(connectionString, protocol), DEVICE_TRANSPORTS[protocol]),
    );
  }

  /** A service's client for messages, connected. */
  async messaging(protocol: MessagingProtocol): Promise<ServiceClient> {
    const { serviceConnectionString } = this.place;
    const client = ServiceClient.fromConnectionString(serviceConnectionString, MESSAGING_TRANSPORTS[protocol]);
    this.closings.push(() => client.close());
    await client.open();
    return client;
  }

  async sendToDevice(deviceId: string, message: Parameters<ServiceClient['send']>[1]): Promise<void> {
    this.sender ??= this.messaging('AMQP');
    await (await this.sender).send(deviceId, message);
  }

  /** A reader of the built-in endpoint. */
  events(protocol: MessagingProtocol, consumerGroup = '$Default'): EventHubConsumerClient {
    const { eventsConnectionString } = this.place;
    const client = new EventHubConsumerClient(
      consumerGroup,
      eventsConnectionString,
      protocol === 'AMQP' ? {} : { webSocketOptions: { webSocket: webSocketTo(eventsConnectionString) } },
    );
    this.closings.push(() => client.close());
    return client;
  }

  /** Waits for a device's first events of a source, as the built-in endpoint gives them, oldest first. */
  async eventsOf(deviceId: string, count: number, source = 'Telemetry'): Promise<ReceivedEventData[]> {
    if (!this.collecting) this.collect();
    const find = () =>
      this.collected
        .filter(
          ({ systemProperties = {} }) =>
            systemProperties['iothub-connection-device-id'] === deviceId &&
            systemProperties['iothub-message-source'] === source,
        )
        .slice(0, count);
    const limitMs = this.isLive ? LIVE_LIMIT_MS : EMULATOR_LIMIT_MS;
    return await until(() => find().length === count && find(), `${count} events of ${deviceId}`, limitMs);
  }

  /** A call that no SDK makes, with a token of the owner policy. */
  call(
    method: string,
    path: string,
    { body, query = '', headers = {} }: { body?: unknown; query?: string; headers?: Record<string, string> } = {},
  ): Promise<HttpsReply> {
    return httpsCall(this.agent, {
      method,
      path: `${path}?api-version=2021-04-12${query}`,
      headers: {
        authorization: signedBy(this.place.serviceConnectionString),
        'content-type': 'application/json',
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.closings.map((close) => close()));
    if (this.isLive) await Promise.allSettled(this.devices.map((deviceId) => this.registry.delete(deviceId)));
    this.agent.destroy();
    await this.place.close();
  }

  private collect(): void {
    this.collecting = true;
    this.events('AMQP').subscribe(
      {
        processEvents: (events) => {
          this.collected.push(...events);
          return Promise.resolve();
        },
        processError: () => Promise.resolve(),
      },
      { startPosition: { enqueuedOn: this.startedAt }, maxWaitTimeInSeconds: 1 },
    );
  }

  private async prepared<T extends DeviceClient | ModuleClient>(
    client: T,
    options: { readonly cert?: string; readonly key?: string; readonly modelId?: string } = {},
  ): Promise<T> {
    this.closings.push(() => client.close());
    // Over HTTPS this never ends without a receive policy.
    await client.setOptions({
      http: { agent: this.agent, receivePolicy: { interval: 1 } },
      mqtt: { webSocketAgent: this.agent },
      amqp: { webSocketAgent: this.agent },
      // Some transports forget earlier options with each call.
      ...options,
    });
    return client;
  }

  /** Over WebSocket the SDK puts a port of its own behind the host; the agent goes to the right one. */
  private reachable(connectionString: string, protocol: DeviceProtocol): string {
    return protocol.endsWith('WebSocket') ? connectionString.replace(/(HostName=[^:;]+):\d+/, '$1') : connectionString;
  }

  /** The REST clients take `host:port` for a host name: only an agent, set after construction, brings them to a port. */
  private throughAgent<T extends Registry | ServiceClient | JobClient>(client: T): T {
    const { _restApiClient: rest } = client as unknown as {
      _restApiClient: { setOptions(options: { http: { agent: Agent } }): void };
    };
    rest.setOptions({ http: { agent: this.agent } });
    return client;
  }
}

/** Opens the hub that the environment names, else an emulator. */
export async function openHubUnderTest(): Promise<HubUnderTest> {
  const place = await openHubPlace();
  const files = await selfSignedCertificate();
  const cert = readFileSync(files.certFile, 'utf8');
  const key = readFileSync(files.keyFile, 'utf8');
  files.remove();
  const thumbprint = new X509Certificate(cert).fingerprint256.replaceAll(':', '');
  return new HubUnderTest(place, { cert, key, thumbprint });
}

/** The SDK leaves the port of its endpoint out when it makes the WebSocket's URL. */
function webSocketTo(eventsConnectionString: string): typeof WebSocket {
  const port = /Endpoint=sb:\/\/[^/;:]+:(\d+)/.exec(eventsConnectionString)?.[1];
  if (port === undefined) return WebSocket;
  return class extends WebSocket {
    constructor(url: string, protocols?: string | string[]) {
      super(Object.assign(new URL(url), { port }), protocols);
    }
  } as typeof WebSocket;
}

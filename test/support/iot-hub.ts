import { Agent } from 'node:https';
import { Writable } from 'node:stream';
import { Client as DeviceClient } from 'azure-iot-device';
import { Amqp, AmqpWs } from 'azure-iot-device-amqp';
import { Http } from 'azure-iot-device-http';
import { Mqtt, MqttWs } from 'azure-iot-device-mqtt';
import { Client as ServiceClient, Registry } from 'azure-iothub';
import { pino } from 'pino';
import { type IotHubEmulator, startIotHubEmulator } from '../../apps/iot-hub-emulator/src/index.js';

type EmulatorOptions = NonNullable<Parameters<typeof startIotHubEmulator>[0]>;

/** How devices reach a hub. */
export type DeviceTransport = typeof Mqtt | typeof MqttWs | typeof Amqp | typeof AmqpWs | typeof Http;

/** A line of the emulator's log. */
export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly reason?: string;
  readonly deviceId?: string;
  readonly [field: string]: unknown;
}

/** An emulator of a test's own, with the official SDKs' clients for it. */
export interface TestIotHub {
  readonly emulator: IotHubEmulator;
  readonly registry: Registry;
  readonly service: ServiceClient;
  /** Everything the emulator has logged, from level debug on. */
  readonly log: LogLine[];
  /** Registers an enabled device, by default with keys made by the hub. */
  addDevice(deviceId: string, description?: Partial<Registry.DeviceDescription>): Promise<{ connectionString: string }>;
  /** A client for a registered device, not yet connected. Closed with the hub, if not before. */
  device(connectionString: string, transport?: DeviceTransport): Promise<DeviceClient>;
  /** An agent that reaches the hub whatever host and port a client asks for, and trusts it. */
  readonly agent: Agent;
  close(): Promise<void>;
}

/** Starts an emulator in this process, in memory and on a free port. */
export async function startTestIotHub(options: EmulatorOptions = {}): Promise<TestIotHub> {
  const log: LogLine[] = [];
  const lines = new Writable({
    write(chunk: Buffer, _encoding, done) {
      log.push(JSON.parse(chunk.toString()) as LogLine);
      done();
    },
  });
  const emulator = await startIotHubEmulator({
    port: 0,
    inMemory: true,
    logger: pino({ level: 'debug' }, lines),
    ...options,
  });
  const agent = new Agent({ host: 'localhost', port: emulator.port, ca: emulator.caCertificate, keepAlive: true });
  const registry = throughAgent(Registry.fromConnectionString(emulator.serviceConnectionString), agent);
  const service = throughAgent(ServiceClient.fromConnectionString(emulator.serviceConnectionString), agent);
  const devices = new Set<DeviceClient>();

  return {
    emulator,
    registry,
    service,
    log,
    agent,
    async addDevice(deviceId, description = {}) {
      await registry.create({ deviceId, ...description });
      return { connectionString: emulator.deviceConnectionString(deviceId) };
    },
    async device(connectionString, transport = Mqtt) {
      // Over WebSocket the SDK appends its own port to the host name, over HTTPS it takes none; the agent goes to ours.
      const target =
        transport === Mqtt || transport === Amqp
          ? connectionString
          : connectionString.replace(/(HostName=[^:;]+):\d+/, '$1');
      const client = DeviceClient.fromConnectionString(target, transport);
      devices.add(client);
      await client.setOptions({
        ca: emulator.caCertificate,
        mqtt: { webSocketAgent: agent },
        amqp: { webSocketAgent: agent },
        // Over HTTPS it never ends without a receive policy.
        http: { agent, receivePolicy: { manualPolling: true } },
      });
      return client;
    },
    async close() {
      await Promise.all(Array.from(devices, (client) => client.close().catch(() => undefined)));
      await emulator.close();
      agent.destroy();
    },
  };
}

/** The REST clients take `host:port` for a host name: only an agent, set after construction, brings them to a port. */
function throughAgent<T extends Registry | ServiceClient>(client: T, agent: Agent): T {
  const { _restApiClient: rest } = client as unknown as {
    _restApiClient: { setOptions(options: { http: { agent: Agent } }): void };
  };
  rest.setOptions({ http: { agent } });
  return client;
}

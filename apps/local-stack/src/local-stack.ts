import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createBlobContainer } from '#libs/blob-storage';
import { createTelemetryContainer } from '#libs/cosmos';
import { trustCertificateAuthority } from '#libs/runtime';
import { azuriteConnectionString, startAzurite } from './azurite.js';
import { readyLine, startProcess, type RunningProcess } from './child-process.js';
import { lockDataDirectory } from './data-directory-lock.js';
import { requireFreePorts } from './free-ports.js';
import type { LocalStackConfig } from './local-stack.config.js';
import { type Certificates, type Connections, ProgramSettings, SEED_FILE } from './program-settings.js';

/** The applications, as `nest build` leaves them beside this one. */
const script = (app: string): string => resolve(__dirname, `../../${app}/src/main.js`);

/**
 * Node's arguments beyond the common ones. The API passes bytes on: from a small young generation they are freed soon, instead
 * of growing old and waiting for a full collection. It takes a third of the processor time and of the memory.
 */
export const NODE_ARGUMENTS: Readonly<Record<string, readonly string[]>> = { api: ['--max-semi-space-size=1'] };

/** What other processes are connected to: the hub, and what the hub writes into. */
const SERVERS: readonly string[] = ['azurite', 'iot-hub-emulator', 'local-cosmos'];

interface HubReady {
  hostName: string;
  boundPorts: number[];
  serviceConnectionString: string;
  eventHubsConnectionString: string;
  devices: { deviceId: string; connectionString: string }[];
}

interface UrlReady {
  url: string;
}

interface CosmosReady extends UrlReady {
  connectionString: string;
}

/** What somebody needs to know to use the running stack. */
export interface StackFacts extends Readonly<Connections> {
  readonly apiUrl: string;
  readonly hubHostName: string;
  readonly serviceConnectionString: string;
  readonly eventHubsConnectionString: string;
  readonly device: { deviceId: string; connectionString: string };
  readonly logDirectory: string;
}

/**
 * The IoT Hub emulator, Azurite, a local Cosmos DB, local vision, the API and the device agent, each a process of its own,
 * connected by their settings alone.
 */
export class LocalStack {
  private readonly dataDirectory: string;
  private readonly logDirectory: string;
  private readonly settings: ProgramSettings;
  private readonly processes: RunningProcess<unknown>[] = [];
  private unlockData: () => void = () => undefined;
  private stopping: Promise<void> | undefined;

  constructor(private readonly config: LocalStackConfig) {
    this.dataDirectory = resolve(config.dataDirectory);
    this.logDirectory = join(this.dataDirectory, 'logs');
    this.settings = new ProgramSettings(config, this.dataDirectory);
  }

  get isStopping(): boolean {
    return this.stopping !== undefined;
  }

  /** Process ids by application name. */
  get processIds(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.processes.map(({ name, pid }) => [name, pid]));
  }

  /** @throws {@link AppError} `STACK.PORT_BUSY`, `STACK.DATA_IN_USE` or `STACK.PROCESS_FAILED`; call {@link stop} then. */
  async start(): Promise<StackFacts> {
    await this.requireFreePorts();
    for (const directory of [this.logDirectory, join(this.dataDirectory, 'azurite')]) {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
    }
    this.unlockData = lockDataDirectory(this.dataDirectory);
    const vision = this.startVision();
    // Awaited further down; a failure before that must not count as unhandled.
    vision.catch(() => undefined);
    const certificates = await this.makeCertificates();
    trustCertificateAuthority(certificates.caFile);
    const [storageConnectionString, cosmosConnectionString] = await Promise.all([
      this.startStorage(certificates),
      this.startCosmos(certificates),
    ]);
    const connections = { storageConnectionString, cosmosConnectionString, caFile: certificates.caFile };
    const hub = await this.startApp<HubReady>('iot-hub-emulator', this.settings.hub(connections));
    const device = hub.devices[0];
    if (!device) throw new Error(`${SEED_FILE} names no device`);
    const { serviceConnectionString } = hub;
    const backends = { serviceConnectionString, deviceId: device.deviceId, visionUrl: await vision };
    const [api] = await Promise.all([
      this.startApp<UrlReady>('api', this.settings.api(connections, backends)),
      this.startApp('device-agent', this.settings.deviceAgent(device.connectionString, connections)),
    ]);
    return {
      apiUrl: api.url,
      hubHostName: hub.hostName,
      serviceConnectionString,
      eventHubsConnectionString: hub.eventHubsConnectionString,
      device,
      ...connections,
      logDirectory: this.logDirectory,
    };
  }

  /** Resolves with a description when a process ends that nobody stopped. */
  async failure(): Promise<string> {
    const how = await Promise.race(this.processes.map(({ ended }) => ended));
    return this.isStopping ? new Promise<string>(() => undefined) : how;
  }

  /** Stops every process, clients before what they are connected to; resolves when none is left. */
  stop(): Promise<void> {
    this.stopping ??= this.stopProcesses();
    return this.stopping;
  }

  private async stopProcesses(): Promise<void> {
    const isServer = ({ name }: RunningProcess<unknown>): boolean => SERVERS.includes(name);
    await Promise.all(this.processes.filter((process) => !isServer(process)).map((process) => process.stop()));
    await Promise.all(this.processes.filter(isServer).map((process) => process.stop()));
    this.unlockData();
  }

  private requireFreePorts(): Promise<void> {
    const { ports } = this.config;
    return requireFreePorts([
      { name: 'the API', port: ports.api, setting: 'API_PORT' },
      { name: 'the IoT Hub emulator', port: ports.hub, setting: 'IOT_HUB_EMULATOR_PORT' },
      { name: 'Azurite', port: ports.azurite, setting: 'AZURITE_PORT' },
      { name: 'the local Cosmos DB', port: ports.localCosmos, setting: 'LOCAL_COSMOS_PORT' },
      { name: 'local vision', port: ports.localVision, setting: 'LOCAL_VISION_PORT' },
    ]);
  }

  private makeCertificates(): Promise<Certificates> {
    // It ends by itself, so it is not among the processes to stop.
    return startProcess({
      name: 'iot-hub-emulator certificates',
      args: [script('iot-hub-emulator'), 'certificates', '--data-dir', join(this.dataDirectory, 'iot-hub')],
      env: this.config.env,
      ready: (line) => JSON.parse(line) as Certificates,
    }).ready;
  }

  private async startStorage({ certFile, keyFile }: Certificates): Promise<string> {
    const azurite = startAzurite({
      certFile,
      keyFile,
      port: this.config.ports.azurite,
      location: join(this.dataDirectory, 'azurite'),
      env: this.config.env,
      logFile: join(this.logDirectory, 'azurite.log'),
    });
    const connectionString = azuriteConnectionString(await this.track(azurite));
    await createBlobContainer(connectionString, this.config.containerName);
    return connectionString;
  }

  private async startCosmos(certificates: Certificates): Promise<string> {
    const settings = this.settings.localCosmos(certificates);
    const { connectionString } = await this.startApp<CosmosReady>('local-cosmos', settings);
    await createTelemetryContainer(connectionString, this.config.cosmos);
    return connectionString;
  }

  /** Not started when the API is to use a model elsewhere. */
  private async startVision(): Promise<string | undefined> {
    if (this.config.aiEndpoint !== undefined) return undefined;
    return (await this.startApp<UrlReady>('local-vision', this.settings.localVision())).url;
  }

  private startApp<Ready>(app: string, env: NodeJS.ProcessEnv): Promise<Ready> {
    return this.track(
      startProcess({
        name: app,
        args: ['--enable-source-maps', ...(NODE_ARGUMENTS[app] ?? []), script(app)],
        env: { ...this.config.env, ...env },
        logFile: join(this.logDirectory, `${app}.log`),
        ready: (line) => readyLine(line) as Ready | undefined,
      }),
    );
  }

  /** From here on {@link stop} stops the process too. */
  private track<Ready>(process: RunningProcess<Ready>): Promise<Ready> {
    this.processes.push(process);
    return process.ready;
  }
}

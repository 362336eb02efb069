import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IConnectPacket, IPublishPacket } from 'mqtt-packet';
import { type EmulatorProcess, ensureEmulatorBuilt, startEmulatorProcess } from '../../support/emulator-process.js';
import { httpsCall, type HttpsReply } from '../../support/https-call.js';
import { type HubAddress, openTls, openWebSocket, RawMqtt } from '../../support/raw-mqtt.js';
import { sasToken } from '../../support/sas.js';

const API_VERSION = 'api-version=2021-04-12';
const COLLECTIONS = 4;
/** Has the process collect its garbage at a signal. */
const COLLECTS = `NODE_OPTIONS=--expose-gc --import=data:text/javascript,process.on('SIGUSR2',()=>gc())`;

interface Call {
  readonly method: string;
  /** Without query. */
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
}

/** A hub of a scenario's own, in a process and a data folder of its own: it can be killed and started again. */
export class TortureHub {
  private running: EmulatorProcess | undefined;
  private agent: Agent | undefined;
  private ca: Buffer | undefined;
  private readonly keys = new Map<string, string>();
  /** How long each start took, until the ready line. */
  readonly readyAfterMs: number[] = [];
  isRunning = false;

  private constructor(
    readonly dataDirectory: string,
    private readonly args: readonly string[],
    private readonly launcher: readonly string[],
    private readonly ownsDirectory: boolean,
  ) {}

  /**
   * @param dataDirectory where its state is to be; by default a temporary folder that goes with the hub.
   * @param collects whether {@link collectGarbage} is to be used.
   */
  static async make({
    devices = [],
    args = [],
    dataDirectory,
    collects = false,
  }: {
    devices?: readonly string[];
    args?: readonly string[];
    dataDirectory?: string;
    collects?: boolean;
  } = {}): Promise<TortureHub> {
    await ensureEmulatorBuilt();
    const directory = dataDirectory ?? (await mkdtemp(join(tmpdir(), 'torture-')));
    const seed = join(directory, 'seed.json');
    await writeFile(seed, JSON.stringify({ devices: devices.map((deviceId) => ({ deviceId })) }));
    return new TortureHub(
      directory,
      ['--data-dir', directory, '--seed', seed, '--log-level', 'warn', ...args],
      collects ? ['env', COLLECTS] : [],
      dataDirectory === undefined,
    );
  }

  async start(): Promise<EmulatorProcess> {
    const running = await startEmulatorProcess(this.args, this.launcher);
    this.running = running;
    this.isRunning = true;
    void running.exited.then(() => {
      this.isRunning = false;
    });
    this.ca = readFileSync(running.ready.caFile);
    this.agent = new Agent({ host: 'localhost', port: running.ready.port, ca: this.ca, keepAlive: true });
    for (const { deviceId, connectionString } of running.ready.devices)
      this.learnKey(deviceId, keyOf(connectionString));
    this.readyAfterMs.push(running.readyAfterMs);
    return running;
  }

  get process(): EmulatorProcess {
    if (this.running === undefined) throw new Error('The hub has not been started.');
    return this.running;
  }

  get address(): HubAddress {
    return { port: this.process.ready.port, ca: this.ca ?? '' };
  }

  get hostName(): string {
    return this.process.ready.hostName;
  }

  /** Ends the process as a power switch would, as far as the process is concerned. */
  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.process.exited;
    this.agent?.destroy();
  }

  /** Ends the process as its user would. @returns its exit code. */
  async stop(): Promise<number | null> {
    this.agent?.destroy();
    this.process.kill('SIGTERM');
    return this.process.exited;
  }

  /** Ends the process, and removes the data folder. */
  async remove(): Promise<void> {
    if (this.running !== undefined) await this.kill();
    if (this.ownsDirectory) await rm(this.dataDirectory, { recursive: true, force: true });
  }

  /** Memory that the process has in use, in bytes. */
  memoryBytes(): number {
    const status = readFileSync(`/proc/${this.process.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
  }

  /** Has the hub collect the garbage that Node would come to when it sees fit. */
  async collectGarbage(): Promise<void> {
    // What the first collection finds of closed connections goes with the next ones.
    for (let round = 0; round < COLLECTIONS; round += 1) {
      this.process.kill('SIGUSR2');
      const { status } = await this.callAsOwner({ method: 'GET', path: '/statistics/devices' });
      if (status !== 200) throw new Error(`The hub answered with ${status}.`);
    }
  }

  /** The key of a seeded device, or of one that {@link learnKey} was told. */
  deviceToken(deviceId: string): string {
    const resource = encodeURIComponent(`${this.hostName}/devices/${deviceId}`);
    return sasToken({ resource, key: this.keys.get(deviceId) ?? '' });
  }

  learnKey(deviceId: string, key: string): void {
    this.keys.set(deviceId, key);
  }

  /** A connection that has sent its CONNECT and got a CONNACK. @throws Error when the hub says no. */
  async connectMqtt(
    deviceId: string,
    {
      webSocket = false,
      onPublish,
      ...packet
    }: Partial<IConnectPacket> & {
      webSocket?: boolean;
      /** Messages may come right behind the CONNACK. */
      onPublish?: (packet: IPublishPacket, mqtt: RawMqtt) => void;
    } = {},
  ): Promise<RawMqtt> {
    const connection = await this.openMqtt(webSocket);
    if (onPublish) {
      connection.onPublish = (published) => {
        onPublish(published, connection);
      };
    }
    const code = await connection.connect({ ...this.connectPacket(deviceId), ...packet });
    if (code !== 0) throw new Error(`${deviceId}: the hub refused the CONNECT with ${code}.`);
    return connection;
  }

  /** A connection that has not sent anything. */
  async openMqtt(webSocket = false): Promise<RawMqtt> {
    return new RawMqtt(await (webSocket ? openWebSocket(this.address) : openTls(this.address)));
  }

  connectPacket(deviceId: string): Pick<IConnectPacket, 'clientId' | 'username' | 'password'> {
    return {
      clientId: deviceId,
      username: `${this.hostName}/${deviceId}/?${API_VERSION}`,
      password: Buffer.from(this.deviceToken(deviceId)),
    };
  }

  callAsDevice(deviceId: string, call: Call): Promise<HttpsReply> {
    return this.call(this.deviceToken(deviceId), call);
  }

  callAsOwner(call: Call): Promise<HttpsReply> {
    return this.call(this.ownerToken(), call);
  }

  /** Event Hubs clients sign with the text of the key. */
  eventHubsToken(): string {
    const key = Buffer.from(keyOf(this.process.ready.serviceConnectionString)).toString('base64');
    const resource = encodeURIComponent(`sb://${this.hostName}/localhub`);
    return sasToken({ resource, key, policy: 'iothubowner' });
  }

  ownerToken(): string {
    const key = keyOf(this.process.ready.serviceConnectionString);
    return sasToken({ resource: this.hostName, key, policy: 'iothubowner' });
  }

  call(authorization: string, { method, path, headers = {}, body }: Call): Promise<HttpsReply> {
    if (this.agent === undefined) throw new Error('The hub has not been started.');
    return httpsCall(this.agent, {
      method,
      path: `${path}?${API_VERSION}`,
      headers: { authorization, ...headers },
      ...(body !== undefined && { body }),
    });
  }
}

const keyOf = (connectionString: string): string => connectionString.split('SharedAccessKey=')[1] ?? '';

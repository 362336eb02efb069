import { appendFile, chmod, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino, type Logger } from 'pino';
import { EmulatorOptionError, type IotHubEmulator, type IotHubEmulatorOptions } from './emulator-options.js';
import { developmentPolicies } from './hub/access/policies.js';
import { systemClock } from './hub/clock.js';
import { JobChanges } from './hub/jobs/job-changes.js';
import { keepJobsRunning } from './hub/jobs/job-runner.js';
import { LiveConnections } from './hub/connections/live-connections.js';
import { openBuiltInEndpoint } from './hub/events/open-built-in-endpoint.js';
import type { Hub } from './hub/hub.js';
import { keepRetention } from './hub/messages/message-retention.js';
import { retentionMs } from './hub/messages/retention-time.js';
import type { DeliveryTarget } from './hub/routing/delivery-target.js';
import { MessageRouting } from './hub/routing/message-routing.js';
import { MessageQueues } from './hub/queues/message-queues.js';
import { readQueueSettings } from './hub/queues/queue-settings.js';
import { keepQueuesSwept } from './hub/queues/sweep-queues.js';
import { PendingMethods } from './hub/methods/pending-methods.js';
import { HubMetrics } from './hub/metrics/hub-metrics.js';
import { ActivityLog } from './hub/registry/activity-log.js';
import { recordConnectionState, recordNobodyConnected } from './hub/registry/connection-state.js';
import { findDevice } from './hub/registry/find-identity.js';
import { isLoopback, publicName } from './listen-address.js';
import { createAmqpEndpoint } from './protocols/amqp/amqp-endpoint.js';
import { countedStreams, countHttpConnections } from './protocols/count-connections.js';
import { createHttpServer } from './protocols/https/http-server.js';
import { createListener } from './protocols/listener.js';
import { createMqttEndpoint } from './protocols/mqtt/mqtt-endpoint.js';
import { announceHub } from './running-hub.js';
import { applySeed } from './seed/apply-seed.js';
import { readBeginning, type HubBeginning } from './seed/read-seed.js';
import { STANDARD_PORTS, openPorts } from './standard-ports.js';
import { openCosmosTarget } from './storage/azure-cosmos-target.js';
import { openUploadStorage } from './storage/azure-upload-storage.js';
import { lockDirectory } from './storage/directory-lock.js';
import { logId } from './storage/log-id.js';
import { Store } from './storage/store.js';
import { storedPolicies } from './storage/stored-policies.js';
import { readAuthorities } from './tls/authorities.js';
import { DEFAULT_TLS_NAMES, ensureTlsFiles } from './tls/tls-files.js';

const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_PORT = 8443;
const DEFAULT_HUB_NAME = 'localhub';
/** As Azure has it: the name stands in addresses and connection strings. */
const HUB_NAME = /^[a-z0-9][a-z0-9-]{1,48}[a-z0-9]$/i;
const ACTIVITY_FLUSH_MS = 5000;

/**
 * Starts an IoT Hub on this machine, to which the official SDKs connect.
 *
 * @throws {@link EmulatorOptionError} for options that cannot be, {@link SeedError} for a seed that cannot be used, and
 *   Node's own error (`EADDRINUSE`, `EACCES`) when the port cannot be bound.
 */
export async function startIotHubEmulator(options: IotHubEmulatorOptions = {}): Promise<IotHubEmulator> {
  checkOptions(options);
  const logger = options.logger ?? pino({ level: 'silent' });
  const cleanups: (() => unknown)[] = [];
  let closing: Promise<void> | undefined;
  const close = () => (closing ??= runAll(cleanups, logger));
  try {
    return { ...(await open(options, logger, cleanups)), close };
  } catch (cause) {
    await close();
    throw cause;
  }
}

async function open(
  options: IotHubEmulatorOptions,
  logger: Logger,
  cleanups: (() => unknown)[],
): Promise<Omit<IotHubEmulator, 'close'>> {
  const host = options.host ?? DEFAULT_HOST;
  const beginning = await readBeginning(options);
  const directory = await openDirectory(options, cleanups);
  const tlsNames = [...(options.tlsNames ?? []), publicName(host)];
  const tls = await ensureTlsFiles(path.join(directory, 'tls'), tlsNames);
  const caCertificate = await readFile(tls.caFile, 'utf8');
  const hub = await openHub(options, { directory, tlsNames, caCertificate, beginning, logger, cleanups });
  await applySeed(hub, beginning.devices);
  hub.routing.start();
  cleanups.push(keepJobsRunning(hub));

  const amqp = createAmqpEndpoint(hub);
  const httpServer = createHttpServer(hub);
  countHttpConnections(hub.metrics, httpServer);
  const listener = createListener({
    tls: { cert: await readFile(tls.certFile), key: await readFile(tls.keyFile) },
    httpServer,
    onMqtt: countedStreams(hub.metrics, 'mqtt', createMqttEndpoint(hub).accept),
    onAmqp: countedStreams(hub.metrics, 'amqp', amqp.accept),
    logger,
  });
  cleanups.push(async () => {
    hub.connections.closeAll('shutdown');
    await amqp.close();
    await listener.close();
  });
  const boundPorts = await openPorts(listener, {
    host,
    port: options.port ?? DEFAULT_PORT,
    standardPorts: options.standardPorts ?? false,
    logger,
  });

  const [port = 0] = boundPorts;
  const name = publicName(host);
  const hostName = STANDARD_PORTS.every((standard) => boundPorts.includes(standard)) ? name : `${name}:${port}`;
  const reached = { eventHubsConnectionString: eventHubsConnectionString(hub, hostName), caFile: tls.caFile };
  cleanups.push(await announceHub(directory, reached));
  return {
    port,
    hostName,
    boundPorts,
    serviceConnectionString: serviceConnectionString(hub, hostName),
    eventHubsConnectionString: reached.eventHubsConnectionString,
    caCertificate,
    tls,
    seededDevices: beginning.devices.flatMap(({ deviceId }) => {
      const connectionString = findConnectionString(hub, hostName, deviceId);
      return connectionString === undefined ? [] : [{ deviceId, connectionString }];
    }),
    deviceConnectionString(deviceId) {
      const connectionString = findConnectionString(hub, hostName, deviceId);
      if (connectionString === undefined) throw new Error(`There is no device ${deviceId} with keys.`);
      return connectionString;
    },
  };
}

interface HubParts {
  readonly directory: string;
  readonly tlsNames: readonly string[];
  readonly caCertificate: string;
  readonly beginning: HubBeginning;
  readonly logger: Logger;
  readonly cleanups: (() => unknown)[];
}

async function openHub(options: IotHubEmulatorOptions, parts: HubParts): Promise<Hub> {
  const { directory, tlsNames, logger, cleanups } = parts;
  const clock = options.clock ?? systemClock;
  const name = options.hubName ?? DEFAULT_HUB_NAME;
  const store = new Store(options.inMemory === true ? ':memory:' : await databaseFile(directory));
  cleanups.push(() => {
    store.close();
  });
  const metrics = new HubMetrics();
  store.onCommit = (durationMs, writes) => {
    metrics.commitDuration.observe(durationMs / 1000);
    metrics.commitWrites.observe(writes);
  };
  store.onLost = (cause) => {
    logger.error({ err: cause }, 'Not stored; nobody waits for it, and the hub goes on');
  };
  const routing = await openRouting({ name, store, clock, metrics }, parts);
  cleanups.push(() => routing.close());
  const activity = new ActivityLog(store);
  const policyKeys = options.policyKeys ?? (isLoopback(options.host ?? DEFAULT_HOST) ? 'development' : 'generated');
  const hub: Hub = {
    name,
    store,
    clock,
    logger,
    routing,
    events: await openBuiltInEndpoint({ store, clock }, options),
    activity,
    pendingMethods: new PendingMethods(),
    queues: new MessageQueues(clock, readQueueSettings(options.cloudToDevice)),
    jobs: new JobChanges(),
    metrics,
    policies: policyKeys === 'development' ? developmentPolicies() : await storedPolicies(store),
    caCertificates: await readAuthorities(parts.beginning.caCertificates),
    hostNames: new Set(
      [...DEFAULT_TLS_NAMES, ...tlsNames, name, `${name}.azure-devices.net`].map((text) => text.toLowerCase()),
    ),
    connections: new LiveConnections(logger, (deviceId, connected) => {
      activity.note(deviceId, clock.nowMs());
      recordConnectionState(hub, deviceId, connected);
    }),
    ...(options.storage === undefined
      ? {}
      : { uploadStorage: await openUploadStorage({ ...options.storage, caCertificate: parts.caCertificate }) }),
  };
  await recordNobodyConnected(hub);
  cleanups.push(keepRetention(hub, retentionMs(options)), keepActivityFlushed(hub), keepQueuesSwept(hub));
  return hub;
}

async function openRouting(
  { name, store, clock, metrics }: Pick<Hub, 'name' | 'store' | 'clock' | 'metrics'>,
  { beginning, caCertificate, logger }: HubParts,
): Promise<MessageRouting> {
  const targets = new Map<string, DeliveryTarget>();
  const id = await logId(store);
  for (const endpoint of beginning.cosmosDbEndpoints) {
    const target = await openCosmosTarget({ endpoint, hubName: name, logId: id, caCertificate, logger });
    targets.set(endpoint.name, target);
  }
  const { routing } = beginning;
  return await store.write(
    () => new MessageRouting({ store, clock, logger, routing, targets, hubName: name, metrics }),
  );
}

/** The database holds device keys: for its owner alone. SQLite gives the files beside it the same mode. */
async function databaseFile(directory: string): Promise<string> {
  const file = path.join(directory, 'iot-hub.db');
  await appendFile(file, '', { mode: 0o600 });
  await chmod(file, 0o600);
  return file;
}

/** Writes noted activity out now and then. @returns a function that does so once more and stops. */
function keepActivityFlushed(hub: Hub): () => void {
  const timer = setInterval(() => {
    hub.activity.flush();
  }, ACTIVITY_FLUSH_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    hub.activity.flush();
  };
}

async function openDirectory(options: IotHubEmulatorOptions, cleanups: (() => unknown)[]): Promise<string> {
  if (options.inMemory === true) {
    const directory = await mkdtemp(path.join(tmpdir(), 'iot-hub-emulator-'));
    cleanups.push(() => rm(directory, { recursive: true, force: true }));
    return directory;
  }
  const directory = path.resolve(options.dataDirectory ?? '');
  await mkdir(directory, { recursive: true });
  cleanups.push(lockDirectory(directory));
  return directory;
}

function checkOptions(options: IotHubEmulatorOptions): void {
  if (options.inMemory !== true && (options.dataDirectory ?? '') === '') {
    throw new EmulatorOptionError('Give a data directory, or ask for a hub in memory.');
  }
  const { hubName = DEFAULT_HUB_NAME } = options;
  if (!HUB_NAME.test(hubName)) {
    throw new EmulatorOptionError(
      `The hub cannot be called "${hubName}": a name has 3 to 50 letters, digits and hyphens, and no hyphen at either end.`,
    );
  }
  const host = options.host ?? DEFAULT_HOST;
  if (options.policyKeys === 'development' && !isLoopback(host)) {
    throw new EmulatorOptionError(
      `The development keys are known to everyone and cannot be used on ${host}: use generated keys, or listen on 127.0.0.1.`,
    );
  }
}

function serviceConnectionString(hub: Hub, hostName: string): string {
  return `HostName=${hostName};${policyParts(hub, 'iothubowner')}`;
}

function eventHubsConnectionString(hub: Hub, hostName: string): string {
  return `Endpoint=sb://${hostName}/;${policyParts(hub, 'service')};EntityPath=${hub.name}`;
}

function policyParts(hub: Hub, policyName: string): string {
  const policy = hub.policies.find(({ name }) => name === policyName);
  return `SharedAccessKeyName=${policyName};SharedAccessKey=${policy?.primaryKey ?? ''}`;
}

function findConnectionString(hub: Hub, hostName: string, deviceId: string): string | undefined {
  const key = findDevice(hub, deviceId)?.primary_key;
  return key ? `HostName=${hostName};DeviceId=${deviceId};SharedAccessKey=${key}` : undefined;
}

/** Runs all of them, last first; one that fails does not keep the others from running. */
async function runAll(cleanups: (() => unknown)[], logger: Logger): Promise<void> {
  for (const cleanup of cleanups.reverse()) {
    try {
      await cleanup();
    } catch (cause) {
      logger.error({ err: cause }, 'Closing failed');
    }
  }
}

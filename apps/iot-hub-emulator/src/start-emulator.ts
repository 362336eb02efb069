import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino, type Logger } from 'pino';
import { EmulatorOptionError, type IotHubEmulator, type IotHubEmulatorOptions } from './emulator-options.js';
import { keepJobsRunning } from './hub/jobs/job-runner.js';

import { DEFAULT_HOST, isLoopback, publicName } from './listen-address.js';
import { createAmqpEndpoint } from './protocols/amqp/amqp-endpoint.js';
import { countedStreams, countHttpConnections } from './protocols/count-connections.js';
import { createHttpServer } from './protocols/https/http-server.js';
import { createListener } from './protocols/listener.js';
import { createMqttEndpoint } from './protocols/mqtt/mqtt-endpoint.js';
import { announceHub } from './running-hub.js';
import { applySeed } from './seed/apply-seed.js';
import { readBeginning } from './seed/read-seed.js';
import { STANDARD_PORTS, openPorts } from './standard-ports.js';
import { lockDirectory } from './storage/directory-lock.js';
import { makeFolder } from './storage/make-folder.js';
import { ensureTlsFiles } from './tls/tls-files.js';
import { eventHubsConnectionString, findConnectionString, serviceConnectionString } from './connection-strings.js';
import { DEFAULT_HUB_NAME, openHub } from './open-hub.js';

const DEFAULT_PORT = 8443;
/** As Azure has it: the name stands in addresses and connection strings. */
const HUB_NAME = /^[a-z0-9][a-z0-9-]{1,48}[a-z0-9]$/i;

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
    metrics: hub.metrics,
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

async function openDirectory(options: IotHubEmulatorOptions, cleanups: (() => unknown)[]): Promise<string> {
  if (options.inMemory === true) {
    const directory = await mkdtemp(path.join(tmpdir(), 'iot-hub-emulator-'));
    cleanups.push(() => rm(directory, { recursive: true, force: true }));
    return directory;
  }
  const directory = path.resolve(options.dataDirectory ?? '');
  await makeFolder(directory);
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

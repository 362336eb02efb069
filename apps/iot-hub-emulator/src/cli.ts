import path from 'node:path';
import { Command } from 'commander';
import { destination, pino } from 'pino';
import { EmulatorOptionError, type IotHubEmulator } from './emulator-options.js';
import { EMULATOR_VERSION } from './emulator-version.js';
import {
  certificateOptions,
  serverFolderOption,
  startOptions,
  type CertificateSettings,
  type StartSettings,
} from './iot-hub-emulator.config.js';
import type { CosmosDbEndpoint } from './hub/routing/routing-config.js';
import { eventsCommand } from './events-tail/events-command.js';
import { SeedError } from './seed/checked-file.js';
import { startIotHubEmulator } from './start-emulator.js';
import { ensureTlsFiles } from './tls/tls-files.js';

const CLOSE_TIMEOUT_MS = 8000;
const MINUTE_MS = 60_000;

/** The command `iot-hub-emulator`: data on standard output, talk and log on standard error. */
export function createCommand(): Command {
  const program = new Command('iot-hub-emulator')
    .description('A local Azure IoT Hub, to which the official SDKs connect.')
    .version(EMULATOR_VERSION);
  const start = program.command('start', { isDefault: true }).description('start the hub (the default)');
  for (const option of startOptions()) start.addOption(option);
  program.addHelpText('after', () => `\nOptions of start:${start.helpInformation().split('Options:')[1] ?? ''}`);
  // What is no command goes to the default one, as its argument.
  start.allowExcessArguments().action(async (settings: StartSettings, { args: [word] }: Command) => {
    if (word !== undefined) {
      const commands = program.commands.map((command) => command.name()).join(', ');
      program.error(`There is no command "${word}". The commands are ${commands}; --help tells about them.`);
    }
    await runUntilSignal(settings);
  });

  const certificates = program
    .command('certificates')
    .description('make the certificate authority and the server certificate if missing, and print where they are');
  for (const option of [...certificateOptions(), serverFolderOption()]) certificates.addOption(option);
  certificates.action(async ({ dataDir, tlsName, serverDir }: CertificateSettings & { serverDir?: string }) => {
    try {
      printLine(await ensureTlsFiles(path.join(dataDir, 'tls'), tlsName, serverDir));
    } catch (cause) {
      fail(cause);
    }
  });
  program.addCommand(eventsCommand(fail));
  return program;
}

/**
 * What to tell the user of a failure: the plain sentence for what a user can mend, undefined for what is our own fault.
 */
export function explainFailure(cause: unknown, port = 0): string | undefined {
  if (cause instanceof SeedError || cause instanceof EmulatorOptionError) return cause.message;
  const { code, syscall, path: file, message } = cause as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') {
    return `Port ${port} is in use: choose another one with --port or IOT_HUB_EMULATOR_PORT.`;
  }
  if (code === 'EACCES' && syscall === 'listen')
    return `Port ${port} is not permitted: choose one above 1023 with --port or IOT_HUB_EMULATOR_PORT.`;
  if (code === 'EADDRNOTAVAIL' || syscall === 'getaddrinfo')
    return 'The address is not one of this machine: change --host or IOT_HUB_EMULATOR_HOST.';
  if (code === 'ERR_SQLITE_ERROR' || file !== undefined)
    return `The data folder cannot be used (${message}): choose another one with --data-dir or IOT_HUB_EMULATOR_DATA_DIR.`;
  return undefined;
}

/** Ends with exit code 1 and the sentence for the user; throws on what has none. */
function fail(cause: unknown, port?: number): void {
  const explanation = explainFailure(cause, port);
  if (explanation === undefined) throw cause;
  process.stderr.write(`${explanation}\n`);
  process.exitCode = 1;
}

async function runUntilSignal(settings: StartSettings): Promise<void> {
  const logger = pino({ name: 'iot-hub-emulator', level: settings.logLevel }, destination({ dest: 2, sync: true }));
  let emulator: IotHubEmulator;
  try {
    emulator = await startIotHubEmulator(emulatorOptions(settings, logger));
  } catch (cause) {
    fail(cause, settings.port);
    return;
  }
  closeOnSignal(emulator);
  printLine({
    ready: 'iot-hub-emulator',
    url: `https://${emulator.hostName}`,
    port: emulator.port,
    hostName: emulator.hostName,
    boundPorts: emulator.boundPorts,
    ...emulator.tls,
    serviceConnectionString: emulator.serviceConnectionString,
    eventHubsConnectionString: emulator.eventHubsConnectionString,
    devices: emulator.seededDevices,
  });
}

/** Exits 130 after SIGINT, 0 after SIGTERM, 1 when closing takes too long. */
function closeOnSignal(emulator: IotHubEmulator): void {
  const stop = (exitCode: number) => () => {
    setTimeout(() => process.exit(1), CLOSE_TIMEOUT_MS).unref();
    void emulator.close().then(() => process.exit(exitCode));
  };
  process.once('SIGINT', stop(130));
  process.once('SIGTERM', stop(0));
}

function emulatorOptions(settings: StartSettings, logger: pino.Logger): Parameters<typeof startIotHubEmulator>[0] {
  const { host, port, standardPorts, hubName, dataDir, inMemory, seed, policyKeys, tlsName } = settings;
  const { storageConnectionString, storageContainer, routes, partitionCount } = settings;
  const cosmosDbEndpoint = cosmosDbEndpointOf(settings);
  return {
    host,
    port,
    standardPorts,
    dataDirectory: dataDir,
    inMemory,
    tlsNames: tlsName,
    caCertificates: settings.caCertificate,
    retentionDays: settings.retentionDays,
    cloudToDevice: {
      defaultTtlMs: settings.c2dTtlMinutes * MINUTE_MS,
      maxDeliveryCount: settings.c2dMaxDeliveryCount,
    },
    consumerGroups: settings.consumerGroup,
    logger,
    ...(hubName && { hubName }),
    ...(partitionCount !== undefined && { partitionCount }),
    ...(seed && { seed }),
    ...(policyKeys && { policyKeys }),
    ...(routes && { routing: routes }),
    ...(cosmosDbEndpoint && { cosmosDbEndpoints: [cosmosDbEndpoint] }),
    ...(storageConnectionString && {
      storage: { connectionString: storageConnectionString, containerName: storageContainer },
    }),
  };
}

function cosmosDbEndpointOf(settings: StartSettings): CosmosDbEndpoint | undefined {
  const { cosmosConnectionString, cosmosDatabase } = settings;
  if (cosmosConnectionString === undefined) return undefined;
  if (cosmosDatabase === undefined) {
    throw new EmulatorOptionError('A Cosmos DB account needs its database: give --cosmos-database too.');
  }
  return {
    name: settings.cosmosEndpointName,
    connectionString: cosmosConnectionString,
    databaseName: cosmosDatabase,
    containerName: settings.cosmosContainer,
    partitionKeyName: settings.cosmosPartitionKeyName,
    partitionKeyTemplate: settings.cosmosPartitionKeyTemplate,
  };
}

function printLine(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

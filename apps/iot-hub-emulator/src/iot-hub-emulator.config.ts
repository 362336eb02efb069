import { InvalidArgumentError, Option } from 'commander';
import { DEFAULT_CONSUMER_GROUP } from './hub/events/consumer-groups.js';

/** What `start` understands; each option is also an environment variable, the option going first. */
export interface StartSettings {
  readonly host: string;
  readonly port: number;
  readonly standardPorts: boolean;
  readonly hubName?: string;
  readonly dataDir: string;
  readonly inMemory: boolean;
  readonly seed?: string;
  readonly storageConnectionString?: string;
  readonly storageContainer: string;
  readonly routes?: string;
  readonly cosmosConnectionString?: string;
  readonly cosmosEndpointName: string;
  readonly cosmosDatabase?: string;
  readonly cosmosContainer: string;
  readonly cosmosPartitionKeyName: string;
  readonly cosmosPartitionKeyTemplate: string;
  readonly caCertificate: readonly string[];
  readonly policyKeys?: 'development' | 'generated';
  readonly tlsName: readonly string[];
  readonly retentionDays: number;
  readonly c2dTtlMinutes: number;
  readonly c2dMaxDeliveryCount: number;
  readonly partitionCount?: number;
  readonly consumerGroup: readonly string[];
  readonly logLevel: string;
}

/** What `certificates` understands. */
export type CertificateSettings = Pick<StartSettings, 'dataDir' | 'tlsName'>;

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'];

const option = (flags: string, variable: string, description: string) =>
  new Option(flags, description).env(`IOT_HUB_EMULATOR_${variable}`);

const dataDirectoryOption = (): Option =>
  option('--data-dir <folder>', 'DATA_DIR', 'folder of the database and the certificates').default('.data/iot-hub');

/** Options of both commands. Made anew for each, since commander keeps state in them. */
export const certificateOptions = (): Option[] => [
  dataDirectoryOption(),
  option('--tls-name <name...>', 'TLS_NAME', 'further host names or addresses for the certificate, by commas')
    .default([])
    .argParser((text: string, names: string[]) => [...names, ...splitNames(text)]),
];

export const serverFolderOption = (): Option =>
  new Option('--server-dir <folder>', 'put server certificate and key here: they are for another server than the hub');

export const startOptions = (): Option[] => [
  option('--host <address>', 'HOST', 'address to listen on').default('127.0.0.1'),
  option('--port <port>', 'PORT', 'port for all protocols, 0 for a free one')
    .default(8443)
    .argParser(wholeNumber(65535)),
  option('--standard-ports [flag]', 'STANDARD_PORTS', 'listen on 8883, 5671 and 443 too, where free and permitted')
    .default(true)
    .preset('true')
    .argParser(flag),
  new Option('--no-standard-ports', 'listen on --port alone'),
  option('--hub-name <name>', 'HUB_NAME', 'name of the hub; localhub unless told'),
  option('--in-memory [flag]', 'IN_MEMORY', 'keep nothing after the end').default(false).preset('true').argParser(flag),
  option('--seed <file>', 'SEED', 'YAML or JSON file of devices and routes to begin with'),
  option('--storage-connection-string <text>', 'STORAGE_CONNECTION_STRING', 'storage account for file uploads'),
  option('--storage-container <name>', 'STORAGE_CONTAINER', 'its container for them').default('dev'),
  option('--routes <file>', 'ROUTES', "YAML or JSON file of message routes, as in ARM's properties.routing"),
  option('--cosmos-connection-string <text>', 'COSMOS_CONNECTION_STRING', 'Cosmos DB account that routes lead to'),
  option('--cosmos-endpoint-name <name>', 'COSMOS_ENDPOINT_NAME', 'what routes call it').default('telemetry'),
  option('--cosmos-database <name>', 'COSMOS_DATABASE', 'its database'),
  option('--cosmos-container <name>', 'COSMOS_CONTAINER', 'its container').default('telemetry'),
  option(
    '--cosmos-partition-key-name <name>',
    'COSMOS_PARTITION_KEY_NAME',
    'property that holds the partition key',
  ).default('partitionKey'),
  option(
    '--cosmos-partition-key-template <text>',
    'COSMOS_PARTITION_KEY_TEMPLATE',
    'its value, of {iothub} {deviceid} {YYYY} {MM} {DD}',
  ).default('{deviceid}-{YYYY}-{MM}'),
  option(
    '--ca-certificate <file...>',
    'CA_CERTIFICATES',
    "PEM files of authorities of devices' certificates, by commas",
  )
    .default([])
    .argParser((text: string, files: string[]) => [...files, ...splitNames(text)]),
  option(
    '--policy-keys <kind>',
    'POLICY_KEYS',
    'keys of the shared access policies; the default goes by the address',
  ).choices(['development', 'generated']),
  option('--retention-days <days>', 'RETENTION_DAYS', 'how long device-to-cloud messages are kept, 1 to 7')
    .default(1)
    .argParser(wholeNumber(7, 1)),
  option(
    '--c2d-ttl-minutes <minutes>',
    'C2D_TTL_MINUTES',
    'life of cloud-to-device messages that set no expiry, 1 to 2880',
  )
    .default(60)
    .argParser(wholeNumber(2880, 1)),
  option(
    '--c2d-max-delivery-count <number>',
    'C2D_MAX_DELIVERY_COUNT',
    'how often a device may abandon a cloud-to-device message, 1 to 100',
  )
    .default(10)
    .argParser(wholeNumber(100, 1)),
  option('--partition-count <number>', 'PARTITION_COUNT', 'partitions of a new hub, 2 to 32; 4 unless told').argParser(
    wholeNumber(32, 2),
  ),
  option('--consumer-group <name...>', 'CONSUMER_GROUP', 'further consumer groups, by commas')
    .default([])
    .argParser((text: string, names: string[]) => [...names, ...splitNames(text)]),
  option('--log-level <level>', 'LOG_LEVEL', 'least level that is logged').choices(LOG_LEVELS).default('info'),
  ...certificateOptions(),
];

/** Options of `events tail`. */
export const tailOptions = (): Option[] => [
  new Option('--from-beginning', 'begin with the oldest event kept, not with the next one').default(false),
  new Option('--device <id>', 'events of this device alone'),
  new Option('--consumer-group <name>', 'read as this consumer group').default(DEFAULT_CONSUMER_GROUP),
  new Option('--json', 'one JSON object a line').default(false),
  new Option(
    '--connection-string <text>',
    'Event Hubs-compatible; by default that of the hub that runs on the data folder',
  ),
  dataDirectoryOption(),
];

function wholeNumber(max: number, min = 0): (text: string) => number {
  return (text) => {
    if (!/^\d{1,9}$/.test(text) || Number(text) > max || Number(text) < min) {
      throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
    }
    return Number(text);
  };
}

function flag(text: string): boolean {
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  throw new InvalidArgumentError('It must be true or false.');
}

const splitNames = (text: string): string[] =>
  text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');

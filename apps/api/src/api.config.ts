import { isIP } from 'node:net';
import { flagSetting, listSetting, loadSettings, type LogLevel, portSetting } from '#libs/runtime';
import { z } from 'zod';

/** The version that is shown when CORE_VERSION does not set another. */
const PACKAGE_VERSION = '0.1.0';

const MEBIBYTE = 1024 * 1024;
const MIN_API_KEY_LENGTH = 16;

/** The default of ALLOWED_HOSTS. */
export const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];

/** The original's (Python's) names of log levels, beside our own. */
const LOG_LEVELS: Readonly<Record<string, LogLevel>> = {
  critical: 'fatal',
  fatal: 'fatal',
  error: 'error',
  warning: 'warn',
  warn: 'warn',
  info: 'info',
  debug: 'debug',
  notset: 'trace',
  trace: 'trace',
  silent: 'silent',
};

const logLevel = z.string().transform((text, context) => {
  const level = LOG_LEVELS[text.toLowerCase()];
  if (level) return level;
  context.addIssue({ code: 'custom', message: `must be one of ${Object.keys(LOG_LEVELS).join(', ')}` });
  return z.NEVER;
});

/** A connection string that names all of `parts`. */
const connectionString = (...parts: string[]) =>
  z.string().refine((text) => parts.every((part) => new RegExp(`(?:^|;)${part}=.`, 'i').test(text)), {
    message: `must have the form ${parts.map((part) => `${part}=…`).join(';')}`,
  });

const httpUrl = z.url({ protocol: /^https?$/, message: 'must be an http or https URL' });
const byteCount = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const cosmosName = z.string().regex(/^[^/\\?#]{1,255}$/, 'must be 1 to 255 characters without / \\ ? and #');
const hostName = z.string().regex(/^[a-z0-9.-]+(?::\d{1,5})?$/i, 'must be a host name, with a port if needed');

const apiKeys = listSetting.refine((keys) => keys.every((key) => key.length >= MIN_API_KEY_LENGTH), {
  message: `every key must have at least ${MIN_API_KEY_LENGTH} characters`,
});

const corsOrigins = listSetting.refine(
  (origins) => origins.every((origin) => URL.canParse(origin) && new URL(origin).origin === origin),
  { message: 'every entry must be an origin such as https://console.example.com; * is not accepted' },
);

const allowedHosts = listSetting.refine(
  (hosts) => hosts.length > 0 && hosts.every((host) => /^(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::\d{1,5})?$/i.test(host)),
  { message: 'every entry must be a host name, with a port if only that port is allowed; * is not accepted' },
);

const SINGLE_SETTINGS = z.object({
  CORE_VERSION: z.string().default(PACKAGE_VERSION),
  CORE_LOG_LEVEL: logLevel.default('info'),
  GIT_REVISION: z.string().optional(),
  GIT_TAG: z.string().optional(),

  API_HOST: z.string().default('127.0.0.1'),
  API_PORT: portSetting.default(8000),
  /** Set by the host of Azure Functions, which runs the API as its custom handler and forwards requests to this port. */
  FUNCTIONS_CUSTOMHANDLER_PORT: portSetting.optional(),
  API_KEYS: apiKeys.default([]),
  ALLOWED_HOSTS: allowedHosts.default(LOOPBACK_NAMES),
  CORS_ORIGINS: corsOrigins.default([]),
  RATE_LIMIT_PER_MINUTE: z.coerce.number().int().min(0).max(1_000_000).default(3000),
  TRUST_PROXY: flagSetting.default(false),
  CA_FILE: z.string().optional(),

  IOT_HUB_CONNECTION_STRING: connectionString('HostName', 'SharedAccessKeyName', 'SharedAccessKey').optional(),
  IOT_HUB_HOST_NAME: hostName.optional(),
  IOT_HUB_DEVICE_ID: z.string().max(128).optional(),

  BLOB_STORAGE_CONNECTION_STRING: z.string().optional(),
  BLOB_STORAGE_ENDPOINT: httpUrl.optional(),
  BLOB_STORAGE_ACCOUNT_NAME: z
    .string()
    .regex(/^[a-z0-9]{3,24}$/, 'must be 3 to 24 lower case letters and digits')
    .optional(),
  BLOB_STORAGE_SAS_TOKEN: z.string().optional(),
  BLOB_STORAGE_CONTAINER_NAME: z
    .string()
    .regex(/^(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/, 'must be a container name: 3 to 63 of a-z, 0-9 and -')
    .default('dev'),
  BLOB_STORAGE_MAX_UPLOAD_BYTES: byteCount.default(512 * MEBIBYTE),
  BLOB_STORAGE_IMAGE_CACHE_BYTES: byteCount.default(64 * MEBIBYTE),

  AI_SERVICES_ENDPOINT: httpUrl.optional(),
  AI_SERVICES_API_KEY: z.string().optional(),
  AI_SERVICES_API_VERSION: z.string().optional(),
  AI_SERVICES_MODEL_GPT: z.string().default('gpt-4o'),
  AI_SERVICES_TIMEOUT_SECONDS: z.coerce.number().min(1).max(600).default(60),
  AI_SERVICES_MAX_IMAGE_BYTES: byteCount.default(20 * MEBIBYTE),

  COSMOS_CONNECTION_STRING: connectionString('AccountEndpoint', 'AccountKey').optional(),
  COSMOS_ENDPOINT: httpUrl.optional(),
  COSMOS_KEY: z.string().optional(),
  COSMOS_DATABASE_NAME: cosmosName.default('spyglass'),
  COSMOS_CONTAINER_NAME: cosmosName.default('telemetry'),
});
type Settings = z.infer<typeof SINGLE_SETTINGS>;

/** Every environment variable that the API reads. */
export const API_SETTINGS = SINGLE_SETTINGS
  // Also where single settings are wrong already, so that the user learns of all problems at once.
  .superRefine(checkTogether, { when: () => true });

/** How the HTTP server is reached and by whom. */
export interface HttpConfig {
  readonly host: string;
  readonly port: number;
  /** Accepted values of `x-api-key`; none means that no key is asked for, on loopback only. */
  readonly apiKeys: readonly string[];
  readonly allowedHosts: readonly string[];
  readonly corsOrigins: readonly string[];
  /** For each client address; 0 switches the limit off. */
  readonly rateLimitPerMinute: number;
  /** Whether the client's address is the last in `x-forwarded-for`, as the one proxy in front of the API writes it. */
  readonly trustProxy: boolean;
}

type IotHubCredentials =
  | { readonly kind: 'connection-string'; readonly connectionString: string }
  | { readonly kind: 'identity'; readonly hostName: string };

export interface IotHubConfig {
  /** Undefined when no hub is configured. */
  readonly credentials: IotHubCredentials | undefined;
  /** The device that is meant when a request names none. */
  readonly deviceId: string | undefined;
}

type BlobStorageCredentials =
  | { readonly kind: 'connection-string'; readonly connectionString: string }
  | { readonly kind: 'sas'; readonly endpoint: string; readonly sasToken: string }
  | { readonly kind: 'identity'; readonly endpoint: string };

export interface BlobStorageConfig {
  /** Undefined when no storage is configured. */
  readonly credentials: BlobStorageCredentials | undefined;
  readonly containerName: string;
  readonly maxUploadBytes: number;
  /** For scaled images; 0 switches the cache off. */
  readonly imageCacheBytes: number;
}

export interface AiServicesConfig {
  /** Undefined when no AI service is configured. */
  readonly endpoint: string | undefined;
  /** Undefined asks for Entra tokens (Azure), or none at all (a server of one's own). */
  readonly apiKey: string | undefined;
  /** Present for Azure OpenAI, absent for any other compatible server. */
  readonly apiVersion: string | undefined;
  readonly model: string;
  readonly timeoutMs: number;
  readonly maxImageBytes: number;
}

type CosmosCredentials =
  | { readonly kind: 'connection-string'; readonly connectionString: string }
  | { readonly kind: 'key'; readonly endpoint: string; readonly key: string }
  | { readonly kind: 'identity'; readonly endpoint: string };

export interface CosmosConfig {
  /** Undefined when no Cosmos DB is configured. */
  readonly credentials: CosmosCredentials | undefined;
  readonly databaseName: string;
  /** Where IoT Hub routes the messages of devices to. */
  readonly containerName: string;
}

/** The API's settings, validated and frozen; injectable by its class. */
export class ApiConfig {
  readonly version: string;
  readonly revision: string | undefined;
  readonly logLevel: LogLevel;
  readonly caFile: string | undefined;
  readonly http: HttpConfig;
  readonly iotHub: IotHubConfig;
  readonly blobStorage: BlobStorageConfig;
  readonly aiServices: AiServicesConfig;
  readonly cosmos: CosmosConfig;

  constructor(settings: Settings) {
    this.version = settings.GIT_TAG ?? settings.CORE_VERSION;
    this.revision = settings.GIT_REVISION;
    this.logLevel = settings.CORE_LOG_LEVEL;
    this.caFile = settings.CA_FILE;
    this.http = Object.freeze({
      host: settings.API_HOST,
      port: settings.FUNCTIONS_CUSTOMHANDLER_PORT ?? settings.API_PORT,
      apiKeys: settings.API_KEYS,
      allowedHosts: settings.ALLOWED_HOSTS,
      corsOrigins: settings.CORS_ORIGINS,
      rateLimitPerMinute: settings.RATE_LIMIT_PER_MINUTE,
      trustProxy: settings.TRUST_PROXY,
    });
    this.iotHub = Object.freeze({ credentials: iotHubCredentials(settings), deviceId: settings.IOT_HUB_DEVICE_ID });
    this.blobStorage = Object.freeze({
      credentials: blobStorageCredentials(settings),
      containerName: settings.BLOB_STORAGE_CONTAINER_NAME,
      maxUploadBytes: settings.BLOB_STORAGE_MAX_UPLOAD_BYTES,
      imageCacheBytes: settings.BLOB_STORAGE_IMAGE_CACHE_BYTES,
    });
    this.aiServices = Object.freeze({
      endpoint: settings.AI_SERVICES_ENDPOINT,
      apiKey: settings.AI_SERVICES_API_KEY,
      apiVersion: settings.AI_SERVICES_API_VERSION,
      model: settings.AI_SERVICES_MODEL_GPT,
      timeoutMs: settings.AI_SERVICES_TIMEOUT_SECONDS * 1000,
      maxImageBytes: settings.AI_SERVICES_MAX_IMAGE_BYTES,
    });
    this.cosmos = Object.freeze({
      credentials: cosmosCredentials(settings),
      databaseName: settings.COSMOS_DATABASE_NAME,
      containerName: settings.COSMOS_CONTAINER_NAME,
    });
    Object.freeze(this);
  }
}

/**
 * The settings in `env`.
 *
 * @throws {@link AppError} `SETTINGS.INVALID` naming every variable that breaks its rule.
 */
export function loadApiConfig(env: Readonly<Record<string, string | undefined>> = process.env): ApiConfig {
  return new ApiConfig(loadSettings(API_SETTINGS, env));
}

/** Settings that do not go together. Single ones may be wrong here: of those only whether they are given counts. */
function checkTogether(settings: Settings, context: z.RefinementCtx): void {
  const problem = (name: keyof Settings, message: string) => {
    context.addIssue({ code: 'custom', path: [name], message });
  };
  if (!isLoopback(settings.API_HOST) && settings.API_KEYS.length === 0)
    problem('API_HOST', 'must be a loopback address (127.0.0.1, ::1, localhost) unless API_KEYS is set');
  if (settings.FUNCTIONS_CUSTOMHANDLER_PORT !== undefined && settings.API_KEYS.length === 0)
    problem('API_KEYS', 'is required under Azure Functions, whose host forwards the internet to the loopback address');
  if (settings.IOT_HUB_CONNECTION_STRING && settings.IOT_HUB_HOST_NAME)
    problem('IOT_HUB_HOST_NAME', 'cannot be combined with IOT_HUB_CONNECTION_STRING; set one of them');
  const account = settings.BLOB_STORAGE_ACCOUNT_NAME ?? settings.BLOB_STORAGE_ENDPOINT;
  if (settings.BLOB_STORAGE_CONNECTION_STRING && (account ?? settings.BLOB_STORAGE_SAS_TOKEN))
    problem('BLOB_STORAGE_CONNECTION_STRING', 'cannot be combined with an account name, endpoint or SAS token');
  if (settings.BLOB_STORAGE_SAS_TOKEN && !account)
    problem('BLOB_STORAGE_SAS_TOKEN', 'needs BLOB_STORAGE_ACCOUNT_NAME or BLOB_STORAGE_ENDPOINT');
  if (settings.AI_SERVICES_API_KEY && !settings.AI_SERVICES_ENDPOINT)
    problem('AI_SERVICES_ENDPOINT', 'is required when AI_SERVICES_API_KEY is set');
  if (settings.COSMOS_CONNECTION_STRING && (settings.COSMOS_ENDPOINT ?? settings.COSMOS_KEY))
    problem('COSMOS_CONNECTION_STRING', 'cannot be combined with COSMOS_ENDPOINT or COSMOS_KEY');
  if (settings.COSMOS_KEY && !settings.COSMOS_ENDPOINT)
    problem('COSMOS_ENDPOINT', 'is required when COSMOS_KEY is set');
}

/** Whether only programs on this machine can connect to `host`. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function iotHubCredentials(settings: Settings): IotHubCredentials | undefined {
  const { IOT_HUB_CONNECTION_STRING: connectionString, IOT_HUB_HOST_NAME: hostName } = settings;
  if (connectionString) return Object.freeze({ kind: 'connection-string', connectionString });
  if (hostName) return Object.freeze({ kind: 'identity', hostName });
  return undefined;
}

function blobStorageCredentials(settings: Settings): BlobStorageCredentials | undefined {
  const {
    BLOB_STORAGE_CONNECTION_STRING: connectionString,
    BLOB_STORAGE_ACCOUNT_NAME: account,
    BLOB_STORAGE_ENDPOINT: givenEndpoint,
    BLOB_STORAGE_SAS_TOKEN: sasToken,
  } = settings;
  if (connectionString) return Object.freeze({ kind: 'connection-string', connectionString });
  const endpoint = givenEndpoint ?? (account && `https://${account}.blob.core.windows.net`);
  if (!endpoint) return undefined;
  return Object.freeze(sasToken ? { kind: 'sas', endpoint, sasToken } : { kind: 'identity', endpoint });
}

function cosmosCredentials(settings: Settings): CosmosCredentials | undefined {
  const { COSMOS_CONNECTION_STRING: connectionString, COSMOS_ENDPOINT: endpoint, COSMOS_KEY: key } = settings;
  if (connectionString) return Object.freeze({ kind: 'connection-string', connectionString });
  if (!endpoint) return undefined;
  return Object.freeze(key ? { kind: 'key', endpoint, key } : { kind: 'identity', endpoint });
}

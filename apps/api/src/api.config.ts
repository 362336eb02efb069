import type { BlobStorageCredentials } from '#libs/blob-storage';
import type { CosmosCredentials } from '#libs/cosmos';
import type { HubCredentials } from '#libs/iot-hub/service';
import { loadSettings, type LogLevel } from '#libs/runtime';
import { API_SETTINGS, type ApiSettings } from './api.settings.js';

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

export interface IotHubConfig {
  /** Undefined when no hub is configured. */
  readonly credentials: HubCredentials | undefined;
  /** The device that is meant when a request names none. */
  readonly deviceId: string | undefined;
}

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

  constructor(settings: ApiSettings) {
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

function iotHubCredentials(settings: ApiSettings): HubCredentials | undefined {
  const { IOT_HUB_CONNECTION_STRING: connectionString, IOT_HUB_HOST_NAME: hostName } = settings;
  if (connectionString) return Object.freeze({ kind: 'connection-string', connectionString });
  if (hostName) return Object.freeze({ kind: 'identity', hostName });
  return undefined;
}

function blobStorageCredentials(settings: ApiSettings): BlobStorageCredentials | undefined {
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

function cosmosCredentials(settings: ApiSettings): CosmosCredentials | undefined {
  const { COSMOS_CONNECTION_STRING: connectionString, COSMOS_ENDPOINT: endpoint, COSMOS_KEY: key } = settings;
  if (connectionString) return Object.freeze({ kind: 'connection-string', connectionString });
  if (!endpoint) return undefined;
  return Object.freeze(key ? { kind: 'key', endpoint, key } : { kind: 'identity', endpoint });
}

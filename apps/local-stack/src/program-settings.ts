import { join, resolve } from 'node:path';
import type { LocalStackConfig } from './local-stack.config.js';

/** The devices that the hub begins with. */
export const SEED_FILE = resolve(__dirname, '../../../../apps/local-stack/seed.yaml');
/** The routes that are deployed to Azure too. */
const ROUTES_FILE = resolve(__dirname, '../../../../infra/routing/routes.json');

/** Absolute paths of PEM files. */
export interface Certificates {
  caFile: string;
  certFile: string;
  keyFile: string;
}

/** What the programs reach the others by. */
export interface Connections {
  storageConnectionString: string;
  cosmosConnectionString: string;
  /** Absolute path of the PEM file to trust. */
  caFile: string;
}

/** What the API serves, beside the storage and the database. */
export interface ApiBackends {
  /** Of the hub, with all rights. */
  readonly serviceConnectionString: string;
  /** The device that calls are for when they name none. */
  readonly deviceId: string;
  /** Absent when the API is to use a model elsewhere. */
  readonly visionUrl: string | undefined;
}

/** The settings of each program of the stack, as environment variables: all that connects one to another. */
export class ProgramSettings {
  constructor(
    private readonly config: LocalStackConfig,
    private readonly dataDirectory: string,
  ) {}

  localCosmos({ certFile, keyFile }: Certificates): NodeJS.ProcessEnv {
    return {
      LOCAL_COSMOS_PORT: String(this.config.ports.localCosmos),
      LOCAL_COSMOS_CERT_FILE: certFile,
      LOCAL_COSMOS_KEY_FILE: keyFile,
      LOCAL_COSMOS_DATA_DIR: join(this.dataDirectory, 'cosmos'),
    };
  }

  hub({ storageConnectionString, cosmosConnectionString }: Connections): NodeJS.ProcessEnv {
    const { ports, standardPorts, containerName, cosmos } = this.config;
    return {
      IOT_HUB_EMULATOR_PORT: String(ports.hub),
      IOT_HUB_EMULATOR_STANDARD_PORTS: String(standardPorts),
      IOT_HUB_EMULATOR_DATA_DIR: join(this.dataDirectory, 'iot-hub'),
      IOT_HUB_EMULATOR_SEED: SEED_FILE,
      IOT_HUB_EMULATOR_STORAGE_CONNECTION_STRING: storageConnectionString,
      IOT_HUB_EMULATOR_STORAGE_CONTAINER: containerName,
      IOT_HUB_EMULATOR_ROUTES: ROUTES_FILE,
      IOT_HUB_EMULATOR_COSMOS_CONNECTION_STRING: cosmosConnectionString,
      IOT_HUB_EMULATOR_COSMOS_DATABASE: cosmos.databaseName,
      IOT_HUB_EMULATOR_COSMOS_CONTAINER: cosmos.containerName,
    };
  }

  localVision(): NodeJS.ProcessEnv {
    return { LOCAL_VISION_PORT: String(this.config.ports.localVision) };
  }

  api(
    { storageConnectionString, cosmosConnectionString, caFile }: Connections,
    { serviceConnectionString, deviceId, visionUrl }: ApiBackends,
  ): NodeJS.ProcessEnv {
    const { ports, containerName, cosmos } = this.config;
    return {
      API_PORT: String(ports.api),
      CA_FILE: caFile,
      IOT_HUB_CONNECTION_STRING: serviceConnectionString,
      IOT_HUB_DEVICE_ID: deviceId,
      BLOB_STORAGE_CONNECTION_STRING: storageConnectionString,
      BLOB_STORAGE_CONTAINER_NAME: containerName,
      COSMOS_CONNECTION_STRING: cosmosConnectionString,
      COSMOS_ENDPOINT: '',
      COSMOS_KEY: '',
      COSMOS_DATABASE_NAME: cosmos.databaseName,
      COSMOS_CONTAINER_NAME: cosmos.containerName,
      ...(visionUrl !== undefined && {
        AI_SERVICES_ENDPOINT: `${visionUrl}/v1`,
        AI_SERVICES_API_KEY: 'local',
        AI_SERVICES_API_VERSION: '',
        AI_SERVICES_MODEL_GPT: 'local-detector',
      }),
    };
  }

  deviceAgent(connectionString: string, { caFile }: Connections): NodeJS.ProcessEnv {
    return {
      IOT_HUB_DEVICE_CONNECTION_STRING: connectionString,
      CA_FILE: caFile,
      AGENT_DATA_DIR: join(this.dataDirectory, 'device-agent'),
      CAMERA_0: this.config.camera,
    };
  }
}

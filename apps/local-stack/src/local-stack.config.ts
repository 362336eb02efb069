import { z } from 'zod';
import { loadSettings, portSetting } from '#libs/runtime';

const schema = z.object({
  DATA_DIR: z.string().default('.data'),
  API_PORT: portSetting.default(8000),
  IOT_HUB_EMULATOR_PORT: portSetting.default(8443),
  IOT_HUB_EMULATOR_STANDARD_PORTS: z.stringbool().default(true),
  AZURITE_PORT: portSetting.default(10_000),
  LOCAL_COSMOS_PORT: portSetting.default(8081),
  LOCAL_VISION_PORT: portSetting.default(8100),
  BLOB_STORAGE_CONTAINER_NAME: z.string().default('dev'),
  COSMOS_DATABASE_NAME: z.string().default('spyglass'),
  COSMOS_CONTAINER_NAME: z.string().default('telemetry'),
  CAMERA_0: z.string().default('docs/assets/people.mp4'),
  AI_SERVICES_ENDPOINT: z.string().optional(),
});

/** Settings for a stack that runs beside others: on free ports, and without a limit of requests. */
export const FREE_PORTS = {
  API_PORT: '0',
  IOT_HUB_EMULATOR_PORT: '0',
  IOT_HUB_EMULATOR_STANDARD_PORTS: 'false',
  AZURITE_PORT: '0',
  LOCAL_COSMOS_PORT: '0',
  LOCAL_VISION_PORT: '0',
  RATE_LIMIT_PER_MINUTE: '0',
} as const;

/** Where the local stack listens and keeps its state; all ports are on 127.0.0.1, and 0 chooses a free one. */
export interface LocalStackConfig {
  dataDirectory: string;
  ports: { api: number; hub: number; azurite: number; localCosmos: number; localVision: number };
  /** Whether the hub also listens on 8883, 5671 and 443, where those are free and permitted. */
  standardPorts: boolean;
  containerName: string;
  /** Where the hub routes the messages of devices to. */
  cosmos: { databaseName: string; containerName: string };
  /** The video file or test source that stands in for camera 0. */
  camera: string;
  /** Set when AI settings are given from outside: then no local vision is started. */
  aiEndpoint: string | undefined;
  /** The environment that every process of the stack inherits. */
  env: NodeJS.ProcessEnv;
}

/** @throws {@link AppError} `SETTINGS.INVALID` */
export function loadLocalStackConfig(env: NodeJS.ProcessEnv = process.env): LocalStackConfig {
  const settings = loadSettings(schema, env);
  return {
    dataDirectory: settings.DATA_DIR,
    ports: {
      api: settings.API_PORT,
      hub: settings.IOT_HUB_EMULATOR_PORT,
      azurite: settings.AZURITE_PORT,
      localCosmos: settings.LOCAL_COSMOS_PORT,
      localVision: settings.LOCAL_VISION_PORT,
    },
    standardPorts: settings.IOT_HUB_EMULATOR_STANDARD_PORTS,
    containerName: settings.BLOB_STORAGE_CONTAINER_NAME,
    cosmos: { databaseName: settings.COSMOS_DATABASE_NAME, containerName: settings.COSMOS_CONTAINER_NAME },
    camera: settings.CAMERA_0,
    aiEndpoint: settings.AI_SERVICES_ENDPOINT,
    env,
  };
}

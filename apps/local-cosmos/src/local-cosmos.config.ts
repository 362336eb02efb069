import { loadSettings, LOG_LEVELS, portSetting } from '#libs/runtime';
import { z } from 'zod';

const DAY_MS = 86_400_000;

const settings = z.object({
  LOCAL_COSMOS_PORT: portSetting.default(8081),
  LOCAL_COSMOS_CERT_FILE: z.string(),
  LOCAL_COSMOS_KEY_FILE: z.string(),
  LOCAL_COSMOS_DATA_DIR: z.string().default('.data/cosmos'),
  LOCAL_COSMOS_MAX_DOCUMENTS: z.coerce.number().int().min(1).max(100_000).default(2_000),
  LOCAL_COSMOS_MAX_AGE_DAYS: z.coerce.number().positive().max(3_650).default(7),
  LOCAL_COSMOS_LOG_LEVEL: z.enum(LOG_LEVELS).default('info'),
});

/** @throws {@link AppError} `SETTINGS.INVALID` naming every variable that breaks its rule. */
export function loadConfig(env: Readonly<Record<string, string | undefined>> = process.env) {
  const values = loadSettings(settings, env);
  return Object.freeze({
    port: values.LOCAL_COSMOS_PORT,
    certFile: values.LOCAL_COSMOS_CERT_FILE,
    keyFile: values.LOCAL_COSMOS_KEY_FILE,
    dataDirectory: values.LOCAL_COSMOS_DATA_DIR,
    maxDocuments: values.LOCAL_COSMOS_MAX_DOCUMENTS,
    maxAgeMs: values.LOCAL_COSMOS_MAX_AGE_DAYS * DAY_MS,
    logLevel: values.LOCAL_COSMOS_LOG_LEVEL,
  });
}

import { isIP } from 'node:net';
import { flagSetting, listSetting, type LogLevel, portSetting } from '#libs/runtime';
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
/** What the variables hold, each valid by itself and together. */
export type ApiSettings = z.infer<typeof SINGLE_SETTINGS>;

/** Every environment variable that the API reads. */
export const API_SETTINGS = SINGLE_SETTINGS
  // Also where single settings are wrong already, so that the user learns of all problems at once.
  .superRefine(checkTogether, { when: () => true });

/** Settings that do not go together. Single ones may be wrong here: of those only whether they are given counts. */
function checkTogether(settings: ApiSettings, context: z.RefinementCtx): void {
  const problem = (name: keyof ApiSettings, message: string) => {
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

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '#libs/runtime';
import { loadApiConfig } from './api.config.js';

const HUB = 'HostName=localhost:8443;SharedAccessKeyName=iothubowner;SharedAccessKey=c2VjcmV0';
const KEY = 'a-key-of-more-than-16-characters';

function problemsOf(env: Record<string, string>): string {
  try {
    loadApiConfig(env);
  } catch (error) {
    if (error instanceof AppError) return `${error.code} ${error.message}`;
    throw error;
  }
  throw new Error('These settings were accepted.');
}

describe(loadApiConfig.name, () => {
  it('starts with nothing set: on loopback, without hub, storage or AI', () => {
    const config = loadApiConfig({});
    expect(config.http).toMatchObject({ host: '127.0.0.1', port: 8000, apiKeys: [], corsOrigins: [] });
    expect(config.http.allowedHosts).toEqual(['localhost', '127.0.0.1', '[::1]']);
    expect(config.iotHub.credentials).toBeUndefined();
    expect(config.blobStorage).toMatchObject({ credentials: undefined, containerName: 'dev' });
    expect(config.aiServices).toMatchObject({ endpoint: undefined, model: 'gpt-4o' });
    expect(config.cosmos).toEqual({ credentials: undefined, databaseName: 'spyglass', containerName: 'telemetry' });
  });

  it("shows the package's version unless told another", () => {
    const { version } = JSON.parse(readFileSync(join(__dirname, '../../../package.json'), 'utf8'));
    expect(loadApiConfig({}).version).toBe(version);
    expect(loadApiConfig({ CORE_VERSION: '9.9.9' }).version).toBe('9.9.9');
  });

  it('lists all problems at once by name and rule, and prints no value', () => {
    const text = problemsOf({
      API_PORT: '99999-secret',
      API_KEYS: 'short-secret',
      CORE_LOG_LEVEL: 'secret',
      CORS_ORIGINS: '*,https://secret.example/path',
      ALLOWED_HOSTS: '*secret',
      IOT_HUB_CONNECTION_STRING: 'HostName=secret;SharedAccessKey=secret',
      BLOB_STORAGE_ACCOUNT_NAME: 'Secret!',
      BLOB_STORAGE_CONTAINER_NAME: 'SECRET',
      AI_SERVICES_ENDPOINT: 'ftp://secret',
      COSMOS_CONNECTION_STRING: 'AccountEndpoint=secret',
      COSMOS_DATABASE_NAME: 'secret/x',
    });
    expect(text).toMatch(/^SETTINGS.INVALID/);
    for (const name of [
      'API_PORT',
      'API_KEYS',
      'CORE_LOG_LEVEL',
      'CORS_ORIGINS',
      'ALLOWED_HOSTS',
      'IOT_HUB_CONNECTION_STRING',
      'BLOB_STORAGE_ACCOUNT_NAME',
      'BLOB_STORAGE_CONTAINER_NAME',
      'AI_SERVICES_ENDPOINT',
      'COSMOS_CONNECTION_STRING',
      'COSMOS_DATABASE_NAME',
    ])
      expect(text).toContain(`${name}: `);
    expect(text.toLowerCase()).not.toContain('secret');
  });

  it('tells of settings that do not go together even where another one is wrong', () => {
    const text = problemsOf({ API_PORT: 'eighty', API_HOST: '0.0.0.0', BLOB_STORAGE_SAS_TOKEN: 'sv=1' });
    expect(text.match(/[A-Z_]+(?=: )/g)).toEqual(['API_PORT', 'API_HOST', 'BLOB_STORAGE_SAS_TOKEN']);
  });

  it('takes Cosmos DB by connection string, by key, or by identity', () => {
    const connectionString = 'AccountEndpoint=https://localhost:8081/;AccountKey=a2V5';
    const endpoint = 'https://account.documents.azure.com/';
    expect(loadApiConfig({ COSMOS_CONNECTION_STRING: connectionString }).cosmos.credentials).toEqual({
      kind: 'connection-string',
      connectionString,
    });
    expect(loadApiConfig({ COSMOS_ENDPOINT: endpoint, COSMOS_KEY: 'a2V5' }).cosmos.credentials).toEqual({
      kind: 'key',
      endpoint,
      key: 'a2V5',
    });
    expect(loadApiConfig({ COSMOS_ENDPOINT: endpoint }).cosmos.credentials).toEqual({ kind: 'identity', endpoint });
    expect(problemsOf({ COSMOS_KEY: 'a2V5' })).toContain('COSMOS_ENDPOINT: is required');
    expect(problemsOf({ COSMOS_CONNECTION_STRING: connectionString, COSMOS_ENDPOINT: endpoint })).toContain(
      'COSMOS_CONNECTION_STRING: cannot be combined',
    );
  });

  it.each(['0.0.0.0', '::', '192.168.1.2', 'example.com', '127.evil.example'])(
    'refuses to listen on %s without API keys',
    (host) => {
      expect(problemsOf({ API_HOST: host })).toContain('API_HOST: must be a loopback address');
      expect(loadApiConfig({ API_HOST: host, API_KEYS: KEY }).http.host).toBe(host);
    },
  );

  it.each(['127.0.0.1', '127.8.9.10', '::1', 'localhost'])('listens on %s without API keys', (host) => {
    expect(loadApiConfig({ API_HOST: host }).http.host).toBe(host);
  });

  it('under Azure Functions takes the port of its host, and refuses to start without API keys', () => {
    const env = { API_PORT: '8000', FUNCTIONS_CUSTOMHANDLER_PORT: '34567' };
    expect(problemsOf(env)).toContain('API_KEYS: is required under Azure Functions');
    expect(loadApiConfig({ ...env, API_KEYS: KEY }).http).toMatchObject({ host: '127.0.0.1', port: 34567 });
  });

  it.each([
    ['WARNING', 'warn'],
    ['critical', 'fatal'],
    ['debug', 'debug'],
  ])("reads the original's log level %s", (name, level) => {
    expect(loadApiConfig({ CORE_LOG_LEVEL: name }).logLevel).toBe(level);
  });

  it('chooses the hub credentials by what is set, and refuses both', () => {
    expect(loadApiConfig({ IOT_HUB_CONNECTION_STRING: HUB }).iotHub.credentials).toEqual({
      kind: 'connection-string',
      connectionString: HUB,
    });
    expect(loadApiConfig({ IOT_HUB_HOST_NAME: 'demo.azure-devices.net' }).iotHub.credentials).toEqual({
      kind: 'identity',
      hostName: 'demo.azure-devices.net',
    });
    expect(problemsOf({ IOT_HUB_CONNECTION_STRING: HUB, IOT_HUB_HOST_NAME: 'a.b' })).toContain('IOT_HUB_HOST_NAME: ');
  });

  it('chooses the storage credentials by what is set', () => {
    const credentialsOf = (env: Record<string, string>) => loadApiConfig(env).blobStorage.credentials;
    const account = { BLOB_STORAGE_ACCOUNT_NAME: 'demo' };
    const endpoint = 'https://demo.blob.core.windows.net';
    expect(credentialsOf(account)).toEqual({ kind: 'identity', endpoint });
    expect(credentialsOf({ ...account, BLOB_STORAGE_SAS_TOKEN: 'sp=r' })).toEqual({
      kind: 'sas',
      endpoint,
      sasToken: 'sp=r',
    });
    expect(credentialsOf({ BLOB_STORAGE_CONNECTION_STRING: 'UseDevelopmentStorage=true' })).toMatchObject({
      kind: 'connection-string',
    });
    expect(problemsOf({ BLOB_STORAGE_SAS_TOKEN: 'sp=r' })).toContain('BLOB_STORAGE_SAS_TOKEN: needs');
    expect(problemsOf({ ...account, BLOB_STORAGE_CONNECTION_STRING: 'x' })).toContain('cannot be combined');
  });

  it('cannot be changed afterwards', () => {
    const config = loadApiConfig({ API_KEYS: KEY, IOT_HUB_CONNECTION_STRING: HUB });
    for (const part of [config, config.http, config.iotHub, config.iotHub.credentials, config.blobStorage])
      expect(Object.isFrozen(part)).toBe(true);
  });
});

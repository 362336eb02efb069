// Makes, on the first start of docker-compose.yml, what its services need to trust and know each other, each part in a volume of
// those that may read it: certificates, hub keys, a storage account key and an API key. What is there already is kept.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const {
  SETUP_ROOT: root = '/setup',
  EMULATOR: emulator = 'dist/apps/iot-hub-emulator/src/main.js',
  SEED: seed = 'docker/seed.yaml',
} = process.env;

/** The account key of Microsoft's Cosmos DB emulator, the same in every installation; it is reachable by the services alone. */
const COSMOS_KEY = 'C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw==';
const STORAGE_ACCOUNT = 'spyglass';

const hubData = join(root, 'hub-data');
const { caFile } = await lastLine(['certificates', '--data-dir', hubData, '--tls-name', 'iot-hub-emulator']);
await lastLine([
  'certificates',
  '--data-dir',
  hubData,
  '--server-dir',
  join(root, 'azurite-secrets'),
  '--tls-name',
  'azurite',
]);
mkdirSync(join(root, 'ca'), { recursive: true });
copyFileSync(caFile, join(root, 'ca/ca.pem'));

const storageKey = keptSecret('azurite-secrets', 'account-key', () => randomBytes(64).toString('base64'));
const apiKey = keptSecret('api-secrets', 'api-key', () => randomBytes(32).toString('base64url'));
const storage =
  `DefaultEndpointsProtocol=https;AccountName=${STORAGE_ACCOUNT};AccountKey=${storageKey};` +
  `BlobEndpoint=https://azurite:10000/${STORAGE_ACCOUNT};`;
const cosmos = `AccountEndpoint=http://cosmos:8081/;AccountKey=${COSMOS_KEY};`;
const { serviceConnectionString, devices } = await hubKeys();
const inNetwork = (connectionString) => connectionString.replace(/HostName=[^;]+/, 'HostName=iot-hub-emulator:8443');

environment('azurite-secrets', { AZURITE_ACCOUNTS: `${STORAGE_ACCOUNT}:${storageKey}` });
environment('hub-secrets', {
  IOT_HUB_EMULATOR_STORAGE_CONNECTION_STRING: storage,
  IOT_HUB_EMULATOR_COSMOS_CONNECTION_STRING: cosmos,
});
environment('api-secrets', {
  API_KEYS: apiKey,
  IOT_HUB_CONNECTION_STRING: inNetwork(serviceConnectionString),
  BLOB_STORAGE_CONNECTION_STRING: storage,
  COSMOS_CONNECTION_STRING: cosmos,
});
environment('agent-secrets', { IOT_HUB_DEVICE_CONNECTION_STRING: inNetwork(devices[0].connectionString) });

/** The hub makes its keys itself when it first starts: it is started for a moment, where nobody can reach it. */
async function hubKeys() {
  const args = ['--data-dir', hubData, '--seed', seed, '--host', '127.0.0.1', '--port', '0', '--no-standard-ports'];
  const hub = start([...args, '--policy-keys', 'generated']);
  const [line] = await once(createInterface(hub.stdout), 'line');
  hub.kill('SIGTERM');
  await once(hub, 'close');
  return JSON.parse(line);
}

async function lastLine(args) {
  const child = start(args);
  const [line] = await once(createInterface(child.stdout), 'line');
  return JSON.parse(line);
}

function start(args) {
  const child = spawn(process.execPath, [emulator, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, IOT_HUB_EMULATOR_HOST: '127.0.0.1' },
  });
  child.on('close', (code) => {
    if (code) process.exit(code);
  });
  return child;
}

function keptSecret(volume, name, make) {
  const file = join(root, volume, name);
  mkdirSync(join(root, volume), { recursive: true });
  if (!existsSync(file)) writeFileSync(file, make(), { mode: 0o600 });
  return readFileSync(file, 'utf8');
}

/** A file for a shell to read, with the variables of one service. */
function environment(volume, variables) {
  const lines = Object.entries(variables).map(([name, value]) => `${name}='${value}'\n`);
  mkdirSync(join(root, volume), { recursive: true });
  writeFileSync(join(root, volume, 'environment'), lines.join(''), { mode: 0o600 });
}

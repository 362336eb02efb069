import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, Message } from 'azure-iot-device';
import { Mqtt } from 'azure-iot-device-mqtt';
import { type CosmosServer, startCosmosServer } from '../support/cosmos-server.js';
import {
  type EmulatorProcess,
  ensureEmulatorBuilt,
  runEmulatorToEnd,
  startEmulatorProcess,
} from '../support/emulator-process.js';
import { until } from '../support/until.js';

const ROUTES = path.join(__dirname, '../../infra/routing/routes.json');
const MESSAGES = 250;

describe('routing of the command', () => {
  let directory: string;
  let cosmos: CosmosServer;
  let emulator: EmulatorProcess | undefined;
  let seedFile: string;

  beforeAll(ensureEmulatorBuilt, 120_000);
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'routing-kill-'));
    cosmos = await startCosmosServer(path.join(directory, 'tls'));
    seedFile = path.join(directory, 'seed.json');
    await writeFile(seedFile, JSON.stringify({ devices: [{ deviceId: 'cam1' }] }));
  });
  afterEach(async () => {
    emulator?.kill('SIGKILL');
    await emulator?.exited;
    await cosmos.close();
    await rm(directory, { recursive: true, force: true });
  });

  const start = async () => {
    emulator = await startEmulatorProcess([
      ...['--data-dir', directory, '--seed', seedFile, '--routes', ROUTES],
      ...['--cosmos-connection-string', cosmos.connectionString, '--cosmos-database', 'iot'],
    ]);
    return emulator;
  };

  it('brings Cosmos DB each message once and in order, though the hub is killed in the middle of it', async () => {
    const first = await start();
    cosmos.mode = 'deaf';
    const [{ connectionString } = { connectionString: '' }] = first.ready.devices;
    const device = Client.fromConnectionString(connectionString, Mqtt);
    await device.setOptions({ ca: readFileSync(first.ready.caFile, 'utf8') });
    for (let n = 0; n < MESSAGES; n += 1) {
      const message = new Message(JSON.stringify({ n }));
      message.contentType = 'application/json';
      message.contentEncoding = 'utf-8';
      await device.sendEvent(message);
    }
    await device.close();
    await until(async () => (await cosmos.documents()).length >= 100, 'part of the messages');
    first.kill('SIGKILL');
    await first.exited;
    expect((await cosmos.documents()).length).toBeLessThan(MESSAGES);

    cosmos.mode = 'up';
    await start();
    const documents = await until(async () => {
      const found = await cosmos.documents();
      return found.length >= MESSAGES && found;
    }, 'all messages');
    expect(documents.map(({ Body }) => (Body as { n: number }).n)).toEqual(
      Array.from({ length: MESSAGES }, (_, index) => index),
    );
  }, 60_000);

  it('ends with the file, the line and the remedy when routes name an endpoint that is not given', async () => {
    const { exitCode, errors } = await runEmulatorToEnd(['start', '--port', '0', '--in-memory', '--routes', ROUTES]);
    expect(exitCode).toBe(1);
    expect(errors).toMatch(/routes\.json:\d+: routes\[1\]\.endpointNames\[0\]: there is no endpoint telemetry/);
  });

  it('asks for the database of an account', async () => {
    const { exitCode, errors } = await runEmulatorToEnd([
      'start',
      '--cosmos-connection-string',
      cosmos.connectionString,
    ]);
    expect(exitCode).toBe(1);
    expect(errors).toMatch(/--cosmos-database/);
    expect(errors).not.toMatch(/AccountKey/);
  });
});

import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureEmulatorBuilt } from '../support/emulator-process.js';
import { type EmulatorInOwnNetwork, ownNetworkMissing, startEmulatorInOwnNetwork } from '../support/own-network.js';
import { CONFORMANCE_TABLE } from './table/conformance-table.js';

const ROOT = join(__dirname, '../..');
const STORAGE =
  'DefaultEndpointsProtocol=https;AccountName=uploads;AccountKey=a2V5;BlobEndpoint=https://127.0.0.1:1/uploads';

interface JestResults {
  readonly numFailedTests: number;
  readonly numPassedTests: number;
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly { readonly title: string; readonly status: string }[];
  }[];
}

const missing = ownNetworkMissing();
const describeWhere = missing === undefined ? describe : describe.skip;

// What is known of the hub is two connection strings, without a port and without a certificate authority, as of a real one.
describeWhere(`the table on a hub elsewhere${missing === undefined ? '' : ` [SKIPPED: ${missing}]`}`, () => {
  let emulator: EmulatorInOwnNetwork;
  let directory: string;

  beforeAll(async () => {
    await ensureEmulatorBuilt();
    directory = await mkdtemp(join(tmpdir(), 'live-hub-'));
    emulator = await startEmulatorInOwnNetwork(['--in-memory', '--storage-connection-string', STORAGE]);
  }, 120_000);
  afterAll(async () => {
    emulator.kill('SIGKILL');
    await emulator.exited;
    await rm(directory, { recursive: true, force: true });
  });

  it('passes, but for what only an emulator can be asked, skipped by name', async () => {
    const { serviceConnectionString, eventHubsConnectionString, caFile } = emulator.ready;
    const outputFile = join(directory, 'results.json');
    const child = emulator.spawn(
      process.execPath,
      [
        ...['--experimental-vm-modules', join(ROOT, 'node_modules/jest/bin/jest.js'), '--rootDir', ROOT],
        ...['--selectProjects', 'conformance', '--runInBand', '--json', '--outputFile', outputFile],
        'test/conformance/table.spec.ts',
      ],
      {
        ...process.env,
        LIVE_IOT_HUB_CONNECTION_STRING: serviceConnectionString,
        LIVE_IOT_HUB_EVENTS_CONNECTION_STRING: eventHubsConnectionString,
        NODE_EXTRA_CA_CERTS: caFile,
      },
    );
    child.stdout.resume();
    child.stderr.resume();
    await once(child, 'close');
    const results = JSON.parse(await readFile(outputFile, 'utf8')) as JestResults;
    expect(results.testResults.map(({ message }) => message)).toEqual(['']);
    expect(results.numFailedTests).toBe(0);
    const skipped = results.testResults
      .flatMap(({ assertionResults }) => assertionResults)
      .filter(({ status }) => status === 'pending')
      .map(({ title }) => title);
    const expected = CONFORMANCE_TABLE.flatMap(({ cases }) => cases).flatMap(
      ({ operation, over, refusedAs, emulatorOnly }) => {
        const reason = refusedAs === undefined ? emulatorOnly : 'a real hub does not refuse it';
        return reason === undefined ? [] : over.map(() => `${operation} [SKIPPED: ${reason}]`);
      },
    );
    expect(skipped.sort()).toEqual(expected.sort());
    expect(expected.length).toBeGreaterThan(0);
  }, 300_000);
});

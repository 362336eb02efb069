import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { ensureEmulatorBuilt } from '../support/emulator-process.js';
import { type EmulatorInOwnNetwork, ownNetworkMissing, startEmulatorInOwnNetwork } from '../support/own-network.js';
import { pythonMissing, pythonWithSdks } from '../support/python-sdks.js';
import { PYTHON_SUITES, pythonOperations, pythonScript } from '../support/python-suites.js';
import { type CertificateFiles, selfSignedCertificate } from '../support/self-signed-certificate.js';

/** Devices put nothing there: the hub alone signs for it. */
const STORAGE =
  'DefaultEndpointsProtocol=https;AccountName=uploads;AccountKey=a2V5;BlobEndpoint=https://127.0.0.1:1/uploads';
/** Most of it is the SDKs' own waiting. */
const LIMIT_MS = 300_000;

/** What became of a script's operations: null for those that went well. */
interface Outcome {
  readonly errors: ReadonlyMap<string, string | null>;
  readonly log: string;
}

const missing = ownNetworkMissing() ?? pythonMissing();
const describeWhere = missing === undefined ? describe : describe.skip;

// Their ports cannot be chosen: the emulator gets the standard ones, in a network of its own.
describeWhere(`the Python SDKs${missing === undefined ? '' : ` [SKIPPED: ${missing}]`}`, () => {
  let python: string;
  let emulator: EmulatorInOwnNetwork;
  let certificate: CertificateFiles;
  const outcomes = new Map<string, Promise<Outcome>>();

  async function runScript(script: string, transport: string): Promise<Outcome> {
    const { serviceConnectionString, eventHubsConnectionString, caFile } = emulator.ready;
    const child = emulator.spawn(python, [pythonScript(script)], {
      ...process.env,
      SSL_CERT_FILE: caFile,
      REQUESTS_CA_BUNDLE: caFile,
      PYTHONDONTWRITEBYTECODE: '1',
    });
    const errors = new Map<string, string | null>();
    let log = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
    createInterface(child.stdout).on('line', (line) => {
      const { operation, error } = JSON.parse(line) as { operation: string; error: string | null };
      errors.set(operation, error);
    });
    const { certFile, keyFile } = certificate;
    const short = transport.toLowerCase().replace(' over websocket', '-ws');
    child.stdin.end(
      JSON.stringify({
        transport: short,
        serviceConnectionString,
        eventsConnectionString: eventHubsConnectionString,
        caFile,
        certificate: {
          certFile,
          keyFile,
          thumbprint: new X509Certificate(readFileSync(certFile)).fingerprint256.replaceAll(':', ''),
        },
        prefix: `${script.replace(/_.*/, '')}-${short}-`,
      }),
    );
    await once(child, 'close');
    return { errors, log };
  }

  beforeAll(async () => {
    await ensureEmulatorBuilt();
    [python, certificate] = await Promise.all([pythonWithSdks(), selfSignedCertificate()]);
    emulator = await startEmulatorInOwnNetwork(['--in-memory', '--storage-connection-string', STORAGE]);
    // Beside each other; but each SDK over one transport after the other, since two would take each other's feedback.
    for (const { script, transports } of PYTHON_SUITES) {
      let before: Promise<unknown> = Promise.resolve();
      for (const transport of transports) {
        const outcome = before.then(() => runScript(script, transport));
        outcomes.set(`${script} ${transport}`, outcome);
        before = outcome;
      }
    }
  }, LIMIT_MS);
  afterAll(async () => {
    emulator.kill('SIGKILL');
    await emulator.exited;
    certificate.remove();
  });

  for (const { sdk, script, transports } of PYTHON_SUITES) {
    describe.each(transports)(`${sdk} over %s`, (transport) => {
      let outcome: Outcome | undefined;
      beforeAll(async () => {
        outcome = await outcomes.get(`${script} ${transport}`);
      }, LIMIT_MS);

      it.each(pythonOperations(script))('%s', (operation) => {
        const error = outcome?.errors.get(operation);
        if (error === undefined) throw new Error(`The script did not get there.\n${outcome?.log ?? ''}`);
        if (error !== null) throw new Error(`${error}\n${outcome?.log ?? ''}`);
      });
    });
  }
});

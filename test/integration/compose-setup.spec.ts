import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Runs the setup service's program as its container would, each folder standing for a volume. */
describe('the setup service of docker compose', () => {
  let root: string;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'spyglass-setup-'));
    setUp();
  });

  afterAll(() => rm(root, { recursive: true, force: true }));

  function setUp(): void {
    execFileSync(process.execPath, ['docker/setup.mjs'], {
      env: { SETUP_ROOT: root },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }
  const read = (file: string): string => readFileSync(join(root, file), 'utf8');

  it('shares the authority’s certificate alone', () => {
    expect(readdirSync(join(root, 'ca'))).toEqual(['ca.pem']);
    const holders = readdirSync(root).filter((volume) =>
      readdirSync(join(root, volume), { recursive: true }).some((file) => String(file).endsWith('ca-key.pem')),
    );
    expect(holders).toEqual(['hub-data']);
  });

  it('gives Azurite a certificate of that authority for its own name', () => {
    const certificate = new X509Certificate(read('azurite-secrets/server.pem'));
    expect(certificate.verify(new X509Certificate(read('ca/ca.pem')).publicKey)).toBe(true);
    expect(certificate.checkHost('azurite')).toBe('azurite');
  });

  it('gives the device its own key and nothing of the cloud', () => {
    expect(read('agent-secrets/environment').trim().split('\n')).toEqual([
      expect.stringMatching(
        /^IOT_HUB_DEVICE_CONNECTION_STRING='HostName=iot-hub-emulator:8443;DeviceId=device001;SharedAccessKey=[^']+'$/,
      ),
    ]);
  });

  it('gives the API a generated key, and prints it by a line', () => {
    expect(read('api-secrets/environment')).toContain(`API_KEYS='${read('api-secrets/api-key')}'`);
    expect(read('api-secrets/api-key').length).toBeGreaterThan(32);
  });

  it('keeps everything on the next start', () => {
    const files = readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /environment$|pem$|key$/.test(entry.name))
      .map(({ parentPath, name }) => join(parentPath, name).slice(root.length + 1));
    expect(files.length).toBeGreaterThan(8);
    const before = files.map(read);
    setUp();
    expect(files.map(read)).toEqual(before);
  });
});

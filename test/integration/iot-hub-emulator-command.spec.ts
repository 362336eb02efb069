import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ensureEmulatorBuilt,
  type EmulatorProcess,
  runEmulatorToEnd,
  startEmulatorProcess,
} from '../support/emulator-process.js';
import { httpsCall } from '../support/https-call.js';

const CLOSE_LIMIT_MS = 8000;

describe('the command iot-hub-emulator', () => {
  let folder: string;
  let running: EmulatorProcess | undefined;

  beforeAll(() => ensureEmulatorBuilt(), 120_000);
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'iot-hub-command-'));
  });
  afterEach(async () => {
    running?.kill('SIGKILL');
    await running?.exited;
    running = undefined;
    await rm(folder, { recursive: true, force: true });
  });

  const seed = async (text: string): Promise<string> => {
    const file = join(folder, 'seed.yaml');
    await writeFile(file, text);
    return file;
  };

  it.each<[NodeJS.Signals, number]>([
    ['SIGTERM', 0],
    ['SIGINT', 130],
  ])('tells when it is ready, keeps its keys to itself, and ends at %s', async (signal, exitCode) => {
    const file = await seed('devices:\n  - deviceId: cam\n    tags: { site: north }\n');
    running = await startEmulatorProcess(['--data-dir', folder, '--seed', file]);
    const { ready } = running;
    expect(ready.devices).toEqual([
      {
        deviceId: 'cam',
        connectionString: expect.stringMatching(/^HostName=localhost:\d+;DeviceId=cam;SharedAccessKey=\S{44}$/),
      },
    ]);
    for (const key of ['tls/server-key.pem', 'tls/ca-key.pem', 'iot-hub.db']) {
      expect((await stat(join(folder, key))).mode & 0o077).toBe(0);
    }

    const agent = new Agent({ host: 'localhost', port: ready.port, ca: await readFile(ready.caFile) });
    expect((await httpsCall(agent, { method: 'GET', path: '/health' })).status).toBe(200);
    agent.destroy();

    const signalledMs = performance.now();
    running.kill(signal);
    expect(await running.exited).toBe(exitCode);
    expect(performance.now() - signalledMs).toBeLessThan(CLOSE_LIMIT_MS);
  });

  it('names file, line and path of what is wrong with a seed', async () => {
    const file = await seed('devices:\n  - deviceId: cam\n  - deviceId: not allowed\n    tags: 5\n');
    const { exitCode, errors } = await runEmulatorToEnd([
      'start',
      '--port',
      '0',
      '--no-standard-ports',
      '--data-dir',
      folder,
      '--seed',
      file,
    ]);
    expect(exitCode).toBe(1);
    expect(errors).toContain(`${file}:3: devices[1].deviceId: `);
    expect(errors).toContain(`${file}:4: devices[1].tags: `);
    expect(errors).not.toMatch(/^\s+at /m);
  });

  it('names a busy port and the setting that changes it', async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const port = String((holder.address() as AddressInfo).port);
    const { exitCode, errors } = await runEmulatorToEnd([
      'start',
      '--port',
      port,
      '--no-standard-ports',
      '--data-dir',
      folder,
    ]);
    holder.close();
    expect(exitCode).toBe(1);
    expect(errors).toContain(port);
    expect(errors).toContain('IOT_HUB_EMULATOR_PORT');
    expect(errors).not.toMatch(/^\s+at /m);
  });

  it.each(['start', 'certificates'])(
    'says of a data folder that cannot be made how to choose another (%s)',
    async (command) => {
      const file = await seed('not a folder');
      const { exitCode, errors } = await runEmulatorToEnd([command, '--data-dir', join(file, 'data')]);
      expect(exitCode).toBe(1);
      expect(errors).toContain('IOT_HUB_EMULATOR_DATA_DIR');
      expect(errors).not.toMatch(/^\s+at /m);
    },
  );

  it('shares its data directory with no other, and leaves it free when it is killed', async () => {
    running = await startEmulatorProcess(['--data-dir', folder]);
    const second = await runEmulatorToEnd(['start', '--port', '0', '--no-standard-ports', '--data-dir', folder]);
    expect(second).toMatchObject({ exitCode: 1, errors: expect.stringContaining(`${folder} is in use by another`) });
    expect(second.errors).not.toMatch(/^\s+at /m);
    running.kill('SIGKILL');
    await running.exited;
    running = await startEmulatorProcess(['--data-dir', folder]);
  });

  it('refuses the well-known keys on other addresses than loopback', async () => {
    const { exitCode, errors } = await runEmulatorToEnd([
      'start',
      ...[
        '--host',
        '0.0.0.0',
        '--port',
        '0',
        '--no-standard-ports',
        '--data-dir',
        folder,
        '--policy-keys',
        'development',
      ],
    ]);
    expect(exitCode).toBe(1);
    expect(errors).toContain('generated');
  });
});

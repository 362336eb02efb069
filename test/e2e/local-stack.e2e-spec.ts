import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '#client-sdk';
import { FREE_PORTS } from '../../apps/local-stack/src/local-stack.config.js';
import { until } from '../support/until.js';

const MAIN = 'dist/apps/local-stack/src/main.js';

interface Run {
  process: ChildProcess;
  output: () => string;
  ended: Promise<number | null>;
}

describe('npm start', () => {
  let dataDirectory: string;
  let runs: Run[];

  beforeEach(async () => {
    runs = [];
    dataDirectory = await mkdtemp(join(tmpdir(), 'spyglass-stack-'));
  });

  afterEach(async () => {
    // A test that failed half-way leaves its stack running; its parts end with it.
    for (const { process, ended } of runs) {
      process.kill('SIGKILL');
      await ended;
    }
    await rm(dataDirectory, { recursive: true, force: true });
  });

  function start(env: Record<string, string> = {}): Run {
    const child = spawn(process.execPath, [MAIN], {
      env: {
        DATA_DIR: dataDirectory,
        ...FREE_PORTS,
        ...env,
      },
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const run = {
      process: child,
      output: () => output,
      ended: once(child, 'close').then(([code]) => code as number | null),
    };
    runs.push(run);
    return run;
  }

  async function ready(run: Run): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      run.process.stdout?.on('data', () => {
        if (run.output().includes('Try it:')) resolve();
      });
      void run.ended.then((code) => {
        reject(new Error(`ended with ${String(code)}: ${run.output()}`));
      });
    });
    return /Swagger UI +(http:\S+)\//.exec(run.output())?.[1] ?? '';
  }

  /** Processes that have the test's data folder in their environment: the stack and all it started. */
  async function processesOfStack(): Promise<string[]> {
    const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    return ids.filter((id) => {
      try {
        return readFileSync(`/proc/${id}/environ`, 'utf8').includes(dataDirectory);
      } catch {
        return false;
      }
    });
  }

  it('leaves no process behind after Ctrl-C, and finds its state again', async () => {
    const first = start();
    const before = createClient({ baseUrl: await ready(first) });
    expect((await processesOfStack()).length).toBe(7);
    await before.iotHub.updateDeviceTwin({ tags: { room: 'lab' } });
    await before.blobStorage.uploadBlob({ blob_name: 'kept.txt', file: new Blob(['kept']) });
    const stoppedAt = performance.now();
    first.process.kill('SIGINT');
    expect(await first.ended).toBe(130);
    expect(performance.now() - stoppedAt).toBeLessThan(10_000);
    expect(await processesOfStack()).toEqual([]);

    const second = start();
    const after = createClient({ baseUrl: await ready(second) });
    expect((await after.iotHub.getDeviceTwin()).tags).toMatchObject({ room: 'lab' });
    expect(await (await after.blobStorage.getBlob({ blob_name: 'kept.txt' })).text()).toBe('kept');
    const device = (run: Run): string | undefined =>
      /SharedAccessKey=.*$/m.exec(/Device .*/.exec(run.output())?.[0] ?? '')?.[0];
    expect(device(second)).toBe(device(first));
    second.process.kill('SIGTERM');
    expect(await second.ended).toBe(0);
    expect(await processesOfStack()).toEqual([]);
  }, 120_000);

  it('stops the rest and says why when a part ends', async () => {
    const run = start();
    await ready(run);
    const [hub] = (await processesOfStack()).filter((id) =>
      readFileSync(`/proc/${id}/cmdline`, 'utf8').includes('iot-hub-emulator'),
    );
    process.kill(Number(hub), 'SIGKILL');
    expect(await run.ended).toBe(1);
    expect(run.output()).toMatch(/iot-hub-emulator ended with SIGKILL\. Its log is in .*logs/);
    expect(await processesOfStack()).toEqual([]);
  }, 60_000);

  it('leaves no process behind when it is killed', async () => {
    const run = start();
    await ready(run);
    const processes = await processesOfStack();
    expect(processes.length).toBe(7);
    run.process.kill('SIGKILL');
    await until(async () => (await processesOfStack()).length === 0, 'the end of every process', 10_000);
  }, 60_000);

  it('names a busy port and the setting that changes it, without a stack trace', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const run = start({ API_PORT: String(port) });
    expect(await run.ended).toBe(1);
    taken.close();
    expect(run.output()).toContain(`Port ${port} for the API is in use: set API_PORT to another port.`);
    expect(run.output()).not.toMatch(/\n\s+at /);
    expect(await processesOfStack()).toEqual([]);
  });
});

import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { JobClient, Registry } from 'azure-iothub';
import { type EmulatorProcess, ensureEmulatorBuilt, startEmulatorProcess } from '../support/emulator-process.js';
import { until } from '../support/until.js';

const DEVICES = 1500;

interface Job {
  readonly status: string;
  readonly deviceJobStatistics: Readonly<Record<string, number>>;
}

describe('a job of a hub that is killed', () => {
  let directory: string;
  let emulator: EmulatorProcess | undefined;
  const agents: Agent[] = [];

  beforeAll(ensureEmulatorBuilt, 120_000);
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'jobs-kill-'));
  });
  afterEach(async () => {
    emulator?.kill('SIGKILL');
    await emulator?.exited;
    for (const agent of agents.splice(0)) agent.destroy();
    await rm(directory, { recursive: true, force: true });
  });

  async function start(...args: string[]) {
    emulator = await startEmulatorProcess(['--data-dir', directory, ...args]);
    const { port, caFile, serviceConnectionString } = emulator.ready;
    const agent = new Agent({ host: 'localhost', port, ca: readFileSync(caFile), keepAlive: true });
    agents.push(agent);
    const jobs = JobClient.fromConnectionString(serviceConnectionString);
    const registry = Registry.fromConnectionString(serviceConnectionString);
    for (const client of [jobs, registry]) {
      const { _restApiClient: rest } = client as unknown as { _restApiClient: { setOptions(options: object): void } };
      rest.setOptions({ http: { agent } });
    }
    const job = async () => (await jobs.getJob('j')).jobStatus as Job;
    return { process: emulator, jobs, registry, job };
  }

  it('changes every twin once', async () => {
    const seedFile = path.join(directory, 'seed.json');
    const devices = Array.from({ length: DEVICES }, (_, index) => ({ deviceId: `d${index}` }));
    await writeFile(seedFile, JSON.stringify({ devices }));
    const first = await start('--seed', seedFile);
    await first.jobs.scheduleTwinUpdate('j', '*', { etag: '*', tags: { done: true } }, new Date(), 3600);
    const { deviceJobStatistics } = await until(async () => {
      const job = await first.job();
      return (job.deviceJobStatistics.succeededCount ?? 0) > 0 && job;
    }, 'the job has begun');
    first.process.kill('SIGKILL');
    await first.process.exited;

    const second = await start();
    const ended = await until(async () => {
      const job = await second.job();
      return job.status === 'completed' && job;
    }, 'the job has ended');
    expect(ended.deviceJobStatistics).toMatchObject({ deviceCount: DEVICES, succeededCount: DEVICES });
    expect(deviceJobStatistics.deviceCount).toBe(DEVICES);
    const { result } = await second.registry
      .createQuery('SELECT version, COUNT() AS n FROM devices GROUP BY version')
      .next();
    expect(result).toEqual([{ version: 3, n: DEVICES }]);
  }, 60_000);
});

import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { imageTargets } from '../support/dockerfile.js';

interface Case {
  app: string;
  /** The port that the image's health check asks, and the setting that moves it. */
  port?: { number: string; setting: string };
  env?: Record<string, string>;
  /** Packages that the image has no use for. */
  without: string[];
}

const CAPTURE = ['node-av', 'azure-iot-device'];
const VISION = ['@tensorflow/tfjs-core', 'tesseract.js'];
const CLOUD = ['@nestjs/swagger', 'openai', 'azure-iothub'];

const CASES: Case[] = [
  {
    app: 'api',
    port: { number: '8000', setting: 'API_PORT' },
    env: { API_KEYS: 'a-key-for-this-test-alone' },
    without: [...CAPTURE, ...VISION],
  },
  {
    app: 'iot-hub-emulator',
    port: { number: '8443', setting: 'IOT_HUB_EMULATOR_PORT' },
    env: { IOT_HUB_EMULATOR_STANDARD_PORTS: 'false' },
    without: [...CAPTURE, ...VISION, ...CLOUD, '@nestjs/core'],
  },
  {
    app: 'local-vision',
    port: { number: '8100', setting: 'LOCAL_VISION_PORT' },
    without: [...CAPTURE, ...CLOUD, '@nestjs/core'],
  },
  { app: 'device-agent', without: [...VISION, ...CLOUD] },
];

/** Builds what an image would hold, with the tool that the Dockerfile uses, and runs it as the container would be run. */
describe.each(CASES)('the production tree of $app', ({ app, port, env = {}, without }) => {
  const image = imageTargets()[app];
  let tree: string;
  let data: string;
  let running: ChildProcess | undefined;

  beforeAll(async () => {
    tree = await mkdtemp(join(tmpdir(), `spyglass-${app}-`));
    data = await mkdtemp(join(tmpdir(), 'spyglass-data-'));
    execFileSync(process.execPath, ['tools/production-tree.mjs', app, tree], { stdio: ['ignore', 'ignore', 'pipe'] });
  }, 300_000);

  afterAll(async () => {
    if (running?.exitCode === null) {
      running.kill('SIGTERM');
      await once(running, 'close');
    }
    await Promise.all([tree, data].map((folder) => rm(folder, { recursive: true, force: true })));
  });

  /** Runs a command of the image in its working directory, with nothing of this repository in reach. */
  function run(command: readonly string[], more: Record<string, string> = {}): ChildProcess {
    const args = command.slice(1).map((word) => word.replaceAll('/data/', `${data}/`));
    return spawn(process.execPath, args, {
      cwd: tree,
      env: { NODE_ENV: 'production', ...image?.env, ...env, ...more },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  }

  it('holds its own packages and no other application’s', () => {
    expect(without.filter((name) => existsSync(join(tree, 'node_modules', name)))).toEqual([]);
    expect(existsSync(join(tree, 'node_modules/jest'))).toBe(false);
    expect(readFileSync(join(tree, 'NOTICE'), 'utf8')).toContain('node-av');
  });

  if (port) {
    it('starts with the image’s command and answers its health check', async () => {
      const settings = { [port.setting]: '0', IOT_HUB_EMULATOR_DATA_DIR: data };
      running = run(image?.command ?? [], settings);
      if (!running.stdout) throw new Error('no standard output');
      const [line] = (await once(createInterface(running.stdout), 'line')) as [string];
      const { url } = JSON.parse(line) as { url: string };
      const check = image?.healthCheck?.map((word) => word.replaceAll(port.number, new URL(url).port));
      const [code] = (await once(run(check ?? []), 'close')) as [number];
      expect(code).toBe(0);
    }, 60_000);
  } else {
    it('takes a picture with the image’s entry', async () => {
      const entry = image?.command.slice(0, -1) ?? [];
      const outfile = join(data, 'shot.jpg');
      const file = ['capture-image', 'file', '--filename', 'docs/assets/people.mp4', '--outfile', outfile];
      const [code] = (await once(run([...entry, ...file]), 'close')) as [number];
      expect(code).toBe(0);
      expect(readFileSync(outfile).subarray(0, 3).toString('hex')).toBe('ffd8ff');
    }, 60_000);
  }
});

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ContainerClient } from '@azure/storage-blob';
import { createBlobContainer } from '#libs/blob-storage';
import { trustCertificateAuthority } from '#libs/runtime';
import { startAzurite } from '../support/azurite.js';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { until } from '../support/until.js';

const PROGRAM = resolve('dist/apps/device-agent/src/main.js');
const VIDEO = resolve('docs/assets/people.mp4');
const DIAGRAM = resolve('docs/assets/1_architecture.png');
const JPEG_SIGNATURE = 'ffd8ff';
const PNG_SIGNATURE = '89504e';

let directory: string;
const running = new Set<ChildProcess>();

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'spyglass-cli-'));
});

afterEach(async () => {
  for (const child of running) child.kill('SIGKILL');
  running.clear();
  await rm(directory, { recursive: true, force: true });
});

/** Starts the built program in an empty directory, with no other settings than these. */
function start(args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    cwd: directory,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output.stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (output.stderr += chunk));
  const exited = once(child, 'close').then(([code, signal]: unknown[]) => code ?? signal);
  return { child, output, exited };
}

async function run(args: string[], env: Record<string, string> = {}) {
  const { output, exited } = start(args, env);
  return { exitCode: await exited, ...output };
}

const signatureOf = async (file: string): Promise<string> =>
  (await readFile(join(directory, file))).toString('hex', 0, 3);

describe('device-agent --help', () => {
  it('shows commands, examples and settings', async () => {
    const { exitCode, stdout } = await run(['--help']);
    expect(exitCode).toBe(0);
    for (const word of ['capture-image', 'upload-to-blob', 'list-cameras', 'Examples:', 'MEDIA_ROOT', 'Exit codes']) {
      expect(stdout).toContain(word);
    }
  });

  it('ends without a word when nobody reads on', async () => {
    const { child, output, exited } = start(['--help']);
    child.stdout.destroy();
    expect(await exited).toBe(0);
    expect(output.stderr).toBe('');
  });

  it.each([
    [['capture-image', 'file', '--help'], '--filename'],
    [['capture-image', 'camera', '--help'], '--index'],
    [['upload-to-blob', '--help'], '--blob-name'],
  ])('shows the options of %j', async (args, option) => {
    const { exitCode, stdout } = await run(args);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(option);
  });
});

describe('wrong usage of device-agent', () => {
  it.each([
    [['--nonsense']],
    [['nonsense']],
    [['capture-image']],
    [['capture-image', 'camera', '--index', 'abc']],
    [['capture-image', 'file', '--outfile', 'picture.gif']],
    [['--log-level', 'loud', 'list-cameras']],
  ])('ends with 2: %j', async (args) => {
    const { exitCode, stdout, stderr } = await run(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).not.toBe('');
  });

  it.each([
    [['nonsense'], "unknown command 'nonsense'"],
    [['run', 'nonsense'], 'run takes no arguments'],
    [['capture-image', 'camera', '--index', '64'], 'from 0 to 63'],
  ])('says what is wrong with %j', async (args, sentence) => {
    expect((await run(args)).stderr).toContain(sentence);
  });

  it('names every setting that is wrong, and repeats no value', async () => {
    const settings = { CAPTURE_JPEG_QUALITY: '4711', MEDIA_ROOT: '' };
    const { exitCode, stdout, stderr } = await run(['run', '--verbose'], { ...settings, AGENT_LOG_LEVEL: 'loud' });
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toContain('CAPTURE_JPEG_QUALITY');
    expect(stderr).not.toMatch(/4711|^\s+at /m);
  });

  it.each([[['run']], [['upload-to-blob']], [[]]])('says which setting is missing: %j', async (args) => {
    const { exitCode, stdout, stderr } = await run(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toContain('IOT_HUB_DEVICE_CONNECTION_STRING');
  });
});

describe('device-agent capture-image', () => {
  it('writes the first frame of a video', async () => {
    const { exitCode, stdout, stderr } = await run([
      'capture-image',
      'file',
      '--filename',
      VIDEO,
      '--outfile',
      'a.jpg',
    ]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const { length } = await readFile(join(directory, 'a.jpg'));
    expect(JSON.parse(stdout)).toEqual({
      outfile: 'a.jpg',
      size_bytes: length,
      content_type: 'image/jpeg',
      width: 768,
      height: 576,
    });
    expect(await signatureOf('a.jpg')).toBe(JPEG_SIGNATURE);
  });

  it('writes a camera’s frame in the format of the file’s name', async () => {
    const args = ['capture-image', 'camera', '--index', '2', '--outfile', 'b.png'];
    const { exitCode } = await run(args, { CAMERA_2: 'testsrc=size=160x120:rate=5' });
    expect(exitCode).toBe(0);
    expect(await signatureOf('b.png')).toBe(PNG_SIGNATURE);
  });

  it('fails plainly, leaving nothing behind', async () => {
    const { exitCode, stdout, stderr } = await run(['capture-image', 'file']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(await readdir(directory)).toEqual([]);
  });

  it('ends with 130 at Ctrl-C', async () => {
    const silent = createServer();
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const { child, output, exited } = start(['capture-image', 'camera'], { CAMERA_0: `http://127.0.0.1:${port}/` });
    const [socket] = (await once(silent, 'connection')) as [Socket];
    child.kill('SIGINT');
    expect(await exited).toBe(130);
    expect(output.stdout).toBe('');
    socket.destroy();
    silent.close();
  });

  it('fails where it may not write', async () => {
    const args = ['capture-image', 'file', '--filename', VIDEO, '--outfile', 'no/such/a.jpg'];
    const { exitCode, stdout, stderr } = await run(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toBe('Cannot write no/such/a.jpg: its folder does not exist. Name another file with --outfile.\n');
  });
});

describe('device-agent list-cameras', () => {
  it('prints a list', async () => {
    const { exitCode, stdout } = await run(['list-cameras'], { CAMERA_0: VIDEO });
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toEqual(expect.arrayContaining([{ index: 0, name: expect.any(String) }]));
  });
});

describe('device-agent at a hub', () => {
  let azurite: Awaited<ReturnType<typeof startAzurite>>;
  let container: ContainerClient;
  let hub: TestIotHub;
  let settings: Record<string, string>;
  let authority: string;

  beforeAll(async () => {
    authority = await mkdtemp(join(tmpdir(), 'spyglass-cli-hub-'));
    // The certificates come first: storage and hub share them, as they do in the local stack.
    const first = await startTestIotHub({ inMemory: false, dataDirectory: authority });
    const { tls } = first.emulator;
    await first.close();
    trustCertificateAuthority(tls.caFile);
    azurite = await startAzurite(tls);
    const storage = { connectionString: azurite.connectionString, containerName: 'dev' };
    await createBlobContainer(storage.connectionString, storage.containerName);
    container = new ContainerClient(storage.connectionString, storage.containerName);
    hub = await startTestIotHub({ inMemory: false, dataDirectory: authority, storage });
    const { connectionString } = await hub.addDevice('cam');
    settings = { IOT_HUB_DEVICE_CONNECTION_STRING: connectionString, CA_FILE: tls.caFile, CAMERA_0: VIDEO };
  }, 60_000);

  afterAll(async () => {
    await hub.close();
    await azurite.close();
    await rm(authority, { recursive: true, force: true });
  });

  it('uploads a file with its own type, and draws no bar where there is no terminal', async () => {
    const args = ['upload-to-blob', '--file-path', DIAGRAM, '--blob-name', 'a folder/diagram'];
    const { exitCode, stdout, stderr } = await run(args, settings);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const original = await readFile(DIAGRAM);
    expect(JSON.parse(stdout)).toEqual({
      blob_name: 'cam/a folder/diagram',
      size_bytes: original.length,
      content_type: 'image/png',
    });
    const blob = container.getBlobClient('cam/a folder/diagram');
    expect((await blob.downloadToBuffer()).equals(original)).toBe(true);
    expect((await blob.getProperties()).contentType).toBe('image/png');
  });

  it('says that a name is bad', async () => {
    const args = ['upload-to-blob', '--file-path', DIAGRAM, '--blob-name', '../x'];
    expect((await run(args, settings)).stderr).toContain('The blob name holds a . or .. segment.');
  });

  it('speaks of CA_FILE when the hub is not trusted', async () => {
    const { exitCode, stderr } = await run(['upload-to-blob', '--file-path', DIAGRAM], { ...settings, CA_FILE: '' });
    expect(exitCode).toBe(1);
    expect(stderr).toContain('CA_FILE');
  });

  it.each([
    ['a file that is not there', ['--file-path', 'nothing.txt']],
    ['a folder', ['--file-path', '.']],
    ['a name that the hub refuses', ['--file-path', DIAGRAM, '--blob-name', '../x']],
    ['a name that is not ASCII', ['--file-path', DIAGRAM, '--blob-name', '写真']],
  ])('fails for %s', async (_what, args) => {
    const { exitCode, stdout, stderr } = await run(['upload-to-blob', ...args], settings);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).not.toMatch(/^\s+at |sig=|SharedAccess/m);
  });

  it.each([
    ['SIGTERM', 0],
    ['SIGINT', 130],
  ] as const)('says once on stdout that it is ready, and ends at %s with %d', async (signal, exitCode) => {
    const { child, output, exited } = start(['run'], settings);
    const line = await until(() => /^(.*)\n/.exec(output.stdout)?.[1], 'the agent is ready', 20_000);
    expect(JSON.parse(line)).toEqual({ ready: 'device-agent', deviceId: 'cam' });
    const payload = { index: 0, blob_name: 'now.jpg' };
    const call = hub.service.invokeDeviceMethod('cam', { methodName: 'capture_image_from_camera', payload });
    expect((await call).result).toMatchObject({ status: 200, payload: { blob_name: 'cam/now.jpg' } });
    child.kill(signal);
    expect(await exited).toBe(exitCode);
    expect(output.stdout).toBe(`${line}\n`);
    for (const logLine of output.stderr.trimEnd().split('\n'))
      expect(() => JSON.parse(logLine) as unknown).not.toThrow();
    expect(output.stderr).not.toContain('SharedAccess');
  });

  it('waits for a hub that is not there, and can be stopped meanwhile', async () => {
    const unreachable = { IOT_HUB_DEVICE_CONNECTION_STRING: 'HostName=localhost:9;DeviceId=cam;SharedAccessKey=a2V5' };
    const { child, output, exited } = start([], unreachable);
    await until(() => output.stderr.includes('Next try in'), 'the failure is logged', 20_000);
    child.kill('SIGTERM');
    expect(await exited).toBe(0);
    expect(output.stdout).toBe('');
  });
});

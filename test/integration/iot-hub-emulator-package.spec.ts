import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'azure-iot-device';
import { Mqtt } from 'azure-iot-device-mqtt';
import { startEmulatorProcess } from '../support/emulator-process.js';
import { installPackedEmulator } from '../support/packed-emulator.js';
import { OUTSIDE, outside } from '../support/packed-sdk.js';
import { compileStrictly, FOR_NODE } from '../support/strict-compile.js';

const ROOT = join(__dirname, '../..');
const PACKAGE = '@spyglass-iot/iot-hub-emulator';

/** A user's program: the official SDK against a hub with all that is loaded only when it is asked for. */
const PROGRAM = `
const ACCOUNT = 'AccountName=devstoreaccount1;AccountKey=c29tZS1rZXk=;BlobEndpoint=https://127.0.0.1:1/devstoreaccount1;';
async function talk() {
  const hub = await startIotHubEmulator({
    port: 0,
    inMemory: true,
    seed: { devices: [{ deviceId: 'd', properties: { desired: { interval: 5 } } }] },
    storage: { connectionString: 'DefaultEndpointsProtocol=https;' + ACCOUNT, containerName: 'dev' },
    cosmosDbEndpoints: [
      {
        name: 'telemetry',
        connectionString: 'AccountEndpoint=https://127.0.0.1:1/;AccountKey=c29tZS1rZXk=;',
        databaseName: 'd',
        containerName: 'c',
        partitionKeyName: 'pk',
      },
    ],
  });
  try {
    const device = Client.fromConnectionString(hub.deviceConnectionString('d'), Mqtt);
    await device.setOptions({ ca: hub.caCertificate });
    await device.open();
    const twin = await device.getTwin();
    await device.close();
    return twin.properties.desired.interval;
  } finally {
    await hub.close();
  }
}
`;
const IMPORTS = `
import { Client } from 'azure-iot-device';
import { Mqtt } from 'azure-iot-device-mqtt';
import { startIotHubEmulator } from '${PACKAGE}';
`;
const REQUIRES = IMPORTS.replace(/import ({ \w+ }) from ('.+');/g, 'const $1 = require($2);');
const TYPED = `import { EmulatorOptionError, SeedError, startIotHubEmulator } from '${PACKAGE}';
import type { CosmosDbEndpoint, IotHubEmulator, IotHubEmulatorOptions, IotHubRouting, IotHubSeed } from '${PACKAGE}';
const seed: IotHubSeed = { devices: [{ deviceId: 'd', tags: { room: 'lab' } }] };
const endpoint: CosmosDbEndpoint = {
  name: 'telemetry', connectionString: 'x', databaseName: 'd', containerName: 'c', partitionKeyName: 'pk',
};
const routing: IotHubRouting = { routes: [], fallbackRoute: {
  source: 'DeviceMessages', condition: 'true', endpointNames: ['events'], isEnabled: true,
} };
const options: IotHubEmulatorOptions = { port: 0, inMemory: true, seed, routing, cosmosDbEndpoints: [endpoint] };
export async function use(): Promise<string> {
  const hub: IotHubEmulator = await startIotHubEmulator(options);
  // @ts-expect-error a port is a number
  await startIotHubEmulator({ port: '0' });
  // @ts-expect-error a device has an id
  await startIotHubEmulator({ seed: { devices: [{}] } });
  return hub.deviceConnectionString('d');
}
export const isExpected = (cause: unknown): boolean => cause instanceof EmulatorOptionError || cause instanceof SeedError;
`;

describe('the package of the IoT Hub emulator', () => {
  let project: Awaited<ReturnType<typeof installPackedEmulator>>;
  const readJson = (path: string): Record<string, unknown> =>
    JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  const write = async (name: string, text: string): Promise<string> => {
    const file = join(project.folder, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
    return file;
  };
  const command = () => join(project.folder, 'node_modules/.bin/iot-hub-emulator');
  /** As `outside`, on the pinned Node.js: what runs `#!/usr/bin/env node` finds it first. */
  const onThisNode = { ...OUTSIDE, PATH: `${dirname(process.execPath)}:${OUTSIDE.PATH ?? ''}` };

  beforeAll(async () => {
    project = await installPackedEmulator();
  }, 300_000);
  afterAll(() => project.remove());

  it('holds the program, its licence and declarations, and nothing else', () => {
    const packed = globSync('**/*', { cwd: project.installed }).filter(
      (path) => path.includes('.') || path === 'LICENSE',
    );
    expect(packed).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'package.json', 'dist/main.js']));
    const others = packed.filter((path) => !/^dist\/.+\.js$|^dist\/.+\.d\.ts$/.test(path));
    expect(others.toSorted()).toEqual(['LICENSE', 'README.md', 'package.json']);
    expect(packed.filter((path) => /\.spec\.|test-support/.test(path))).toEqual([]);
  });

  it('has the version of this repository, and of the packages that it imports those tested here', () => {
    const root = readJson(join(ROOT, 'package.json')) as { version: string; dependencies: Record<string, string> };
    const { version, dependencies } = readJson(join(project.installed, 'package.json')) as typeof root;
    expect(version).toBe(root.version);
    const imported = globSync('dist/**/*.{js,d.ts}', { cwd: project.installed })
      .flatMap((path) => [
        ...readFileSync(join(project.installed, path), 'utf8').matchAll(
          /(?:require\(|from |import\()["']([^.'"][^'"]*)["']/g,
        ),
      ])
      .map(([, name = '']) => /^(?:@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? '')
      .filter((name) => !name.startsWith('node:'));
    expect(Object.keys(dependencies).toSorted()).toEqual([...new Set(imported)].toSorted());
    for (const [name, exact] of Object.entries(dependencies))
      expect(`${name}@${exact}`).toBe(`${name}@${root.dependencies[name] ?? ''}`);
  });

  it('answers --version and --help', async () => {
    const npx = (option: string) =>
      outside('npx', ['--no', '--', 'iot-hub-emulator', option], project.folder, onThisNode);
    expect(await npx('--version')).toBe(`${readJson(join(ROOT, 'package.json')).version as string}\n`);
    expect(await npx('--help')).toContain('--in-memory');
  });

  it('runs as a command, to which a device connects', async () => {
    const seed = await write('seed.yaml', 'devices:\n  - deviceId: d\n    properties: { desired: { interval: 5 } }\n');
    const running = await startEmulatorProcess(['--in-memory', '--seed', seed], [], command());
    try {
      const device = Client.fromConnectionString(running.ready.devices[0]?.connectionString ?? '', Mqtt);
      await device.setOptions({ ca: await readFile(running.ready.caFile, 'utf8') });
      await device.open();
      const twin = await device.getTwin();
      expect(twin.properties.desired).toMatchObject({ interval: 5 });
      await device.close();
    } finally {
      running.kill('SIGTERM');
    }
    expect(await running.exited).toBe(0);
  });

  it.each([
    ['an ES module', 'program.mjs', `${IMPORTS}${PROGRAM}console.log(await talk());`],
    ['CommonJS', 'program.cjs', `${REQUIRES}${PROGRAM}void talk().then(console.log);`],
  ])('runs within %s', async (_, name, text) => {
    await write(name, text);
    expect(await outside(process.execPath, [name], project.folder)).toBe('5\n');
  });

  it('runs within Jest, which has no flags for it', async () => {
    await write('jest/package.json', '{}');
    await write(
      'jest/hub.test.js',
      `${REQUIRES}${PROGRAM}test('a hub', async () => expect(await talk()).toBe(5), 20_000);`,
    );
    const jest = join(ROOT, 'node_modules/jest/bin/jest.js');
    const result = join(project.folder, 'jest/result.json');
    await outside(process.execPath, [jest, '--json', `--outputFile=${result}`], join(project.folder, 'jest'));
    expect(readJson(result)).toMatchObject({ success: true, numPassedTests: 1, numTotalTests: 1 });
  }, 60_000);

  it('has strict types, as ES module and as CommonJS', async () => {
    await compileStrictly(project.folder, { 'typed.mts': TYPED, 'typed.cts': TYPED }, { ...FOR_NODE, noEmit: true });
  }, 60_000);

  it('does what its README shows', async () => {
    const readme = await readFile(join(project.installed, 'README.md'), 'utf8');
    const [, code = ''] = /```ts\n(.*?)```/s.exec(readme) ?? [];
    expect(code).toContain('startIotHubEmulator');
    await compileStrictly(project.folder, { 'readme.mts': code }, FOR_NODE);
    await outside(process.execPath, ['readme.mjs'], project.folder);
  }, 60_000);

  it('says on an old Node.js which one it needs', async () => {
    const old = await write(
      'old-node.cjs',
      "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } });",
    );
    const run = promisify(execFile);
    const sentence = /^The IoT Hub emulator needs Node\.js 22\.20 or later .+; this is 20\.20\.2\.$/m;
    const asCommand = run(process.execPath, ['-r', old, command(), '--version'], { env: OUTSIDE });
    await expect(asCommand).rejects.toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(sentence) });
    await expect(asCommand).rejects.not.toMatchObject({ stderr: expect.stringMatching(/^\s+at /m) });
    const within = run(process.execPath, ['-r', old, '-e', `require('${PACKAGE}')`], {
      env: OUTSIDE,
      cwd: project.folder,
    });
    await expect(within).rejects.toMatchObject({
      stderr: expect.stringMatching(/Error: The IoT Hub emulator needs Node\.js/),
    });
  });

  it('could be published', async () => {
    // No registry is asked: a dry run only looks there whether a later version was published.
    const registry = ['--registry=http://127.0.0.1:9', '--fetch-retries=0'];
    const said = await outside(
      'npm',
      ['publish', '--dry-run', '--ignore-scripts', '--json', ...registry],
      project.made,
    );
    expect(said).toContain(`"${PACKAGE}@`);
  }, 60_000);
});

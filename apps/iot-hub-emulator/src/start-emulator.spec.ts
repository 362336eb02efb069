import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { manualClock } from '../test-support/manual-clock.js';
import { EmulatorOptionError, type IotHubEmulator, type IotHubEmulatorOptions, startIotHubEmulator } from './index.js';

describe(startIotHubEmulator.name, () => {
  let directory: string;
  const running: IotHubEmulator[] = [];
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'emulator-spec-'));
  });
  afterEach(async () => {
    for (const emulator of running.splice(0)) await emulator.close();
    await rm(directory, { recursive: true, force: true });
  });
  const start = async (options: IotHubEmulatorOptions = {}) => {
    const emulator = await startIotHubEmulator({ port: 0, dataDirectory: directory, ...options });
    running.push(emulator);
    return emulator;
  };

  it('keeps devices, keys and certificates over a restart, and leaves what the seed made alone', async () => {
    const seed = { devices: [{ deviceId: 'd1' }] };
    const first = await start({ seed });
    const before = [first.deviceConnectionString('d1').split(';')[2], first.caCertificate, first.tls];
    await first.close();
    const second = await start({ seed });
    expect([second.deviceConnectionString('d1').split(';')[2], second.caCertificate, second.tls]).toEqual(before);
    expect(second.seededDevices).toEqual([{ deviceId: 'd1', connectionString: second.deviceConnectionString('d1') }]);
    expect(() => second.deviceConnectionString('d2')).toThrow('no device d2');
  });

  it('names port and host in its connection strings', async () => {
    const emulator = await start({ inMemory: true });
    expect(emulator.boundPorts).toEqual([emulator.port]);
    expect(emulator.hostName).toBe(`localhost:${emulator.port}`);
    expect(emulator.serviceConnectionString).toMatch(
      /^HostName=localhost:\d+;SharedAccessKeyName=iothubowner;SharedAccessKey=/,
    );
  });

  it('has the same keys everywhere on loopback, and keys of its own elsewhere', async () => {
    const keyOf = ({ serviceConnectionString }: IotHubEmulator) => serviceConnectionString.split('SharedAccessKey=')[1];
    const [one, two] = [await start({ inMemory: true }), await start({ inMemory: true })];
    expect(keyOf(one)).toBe(keyOf(two));
    const open = await start({ host: '0.0.0.0' });
    expect(keyOf(open)).not.toBe(keyOf(one));
    const generated = keyOf(open);
    await open.close();
    expect(keyOf(await start({ host: '0.0.0.0' }))).toBe(generated);
    await expect(start({ host: '0.0.0.0', policyKeys: 'development' })).rejects.toThrow('known to everyone');
  });

  it('leaves nothing behind when it runs in memory', async () => {
    const emulator = await start({ inMemory: true });
    const folder = path.dirname(emulator.tls.caFile);
    expect(await readdir(folder)).toContain('ca.pem');
    await Promise.all([emulator.close(), emulator.close()]);
    await expect(stat(folder)).rejects.toThrow('ENOENT');
  });

  it('lets the owner alone read the database', async () => {
    await start();
    const files = (await readdir(directory)).filter((name) => name.startsWith('iot-hub.db'));
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) expect((await stat(path.join(directory, file))).mode & 0o777).toBe(0o600);
  });

  it('fails with the reason when it cannot start, and can be started after it', async () => {
    await expect(startIotHubEmulator({ port: 0 })).rejects.toThrow('data directory');
    await expect(start({ seed: path.join(directory, 'missing.yaml') })).rejects.toThrow('missing.yaml: cannot be read');
    await expect(start({ hubName: 'my hub;' })).rejects.toThrow('The hub cannot be called "my hub;"');
    const storage = { connectionString: 'AccountKey=c2VjcmV0', containerName: 'dev' };
    const refused = await start({ storage }).catch((cause: unknown) => cause);
    expect(refused).toBeInstanceOf(EmulatorOptionError);
    expect((refused as Error).message).toMatch(/^The storage connection string cannot be read: (?!.*c2VjcmV0)/);
    const busy = createServer().listen(0, '127.0.0.1');
    await once(busy, 'listening');
    const { port } = busy.address() as AddressInfo;
    await expect(start({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    busy.close();
    await once(busy, 'close');
    expect((await start({ port })).port).toBe(port);
  });

  it('tells at once of a data directory that cannot be', async () => {
    const file = path.join(directory, 'file');
    await writeFile(file, '');
    const impossible = process.platform === 'linux' ? '/proc/x' : path.join(file, 'x');
    for (const dataDirectory of [file, impossible]) {
      await expect(start({ dataDirectory })).rejects.toThrow(EmulatorOptionError);
      await expect(start({ dataDirectory })).rejects.toThrow(dataDirectory);
    }
  });

  it('has its data directory to itself until it is closed', async () => {
    const first = await start();
    await expect(start()).rejects.toThrow(`The data directory ${directory} is in use by another emulator`);
    // The one that was refused has not taken anything away from the first.
    await expect(start()).rejects.toThrow('is in use');
    await first.close();
    expect((await start()).port).toBeGreaterThan(0);
  });

  it('takes a clock', async () => {
    const clock = manualClock(Date.UTC(2030, 0, 1));
    const emulator = await start({ inMemory: true, clock });
    expect(clock.timers).toBeGreaterThan(0);
    await emulator.close();
    expect(clock.timers).toBe(0);
  });
});

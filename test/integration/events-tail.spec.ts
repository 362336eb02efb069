import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Message } from 'azure-iot-device';
import { Mqtt } from 'azure-iot-device-mqtt';
import {
  EMULATOR_MAIN,
  ensureEmulatorBuilt,
  runEmulatorToEnd,
  startEmulatorProcess,
  type EmulatorProcess,
} from '../support/emulator-process.js';
import { until } from '../support/until.js';

interface Tail {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly errors: () => string;
  readonly exited: Promise<number | null>;
}

describe('the command iot-hub-emulator events tail', () => {
  let folder: string;
  let hub: EmulatorProcess;
  let tails: Tail[];

  beforeAll(() => ensureEmulatorBuilt(), 120_000);
  beforeEach(async () => {
    tails = [];
    folder = await mkdtemp(join(tmpdir(), 'events-tail-'));
    await writeFile(join(folder, 'seed.yaml'), 'devices: [{ deviceId: cam }, { deviceId: other }]\n');
    await startHub();
  });
  afterEach(async () => {
    for (const { child, exited } of tails) {
      child.kill('SIGKILL');
      await exited;
    }
    hub.kill('SIGKILL');
    await hub.exited;
    await rm(folder, { recursive: true, force: true });
  });

  const startHub = async (...args: string[]) => {
    const seed = join(folder, 'seed.yaml');
    hub = await startEmulatorProcess(['--data-dir', folder, '--seed', seed, '--log-level', 'warn', ...args]);
  };
  const tail = (...args: string[]): Tail => {
    const child = spawn(process.execPath, [EMULATOR_MAIN, 'events', 'tail', '--data-dir', folder, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
    const exited = once(child, 'close').then(([code]) => code as number | null);
    const started = { child, output: () => output, errors: () => errors, exited };
    tails.push(started);
    return started;
  };
  const following = async (...args: string[]): Promise<Tail> => {
    const started = tail(...args);
    await until(() => started.errors().includes('Following '), 'it follows');
    return started;
  };
  const send = async (deviceId: string, ...bodies: (string | Buffer)[]) => {
    const { connectionString = '' } = hub.ready.devices.find((device) => device.deviceId === deviceId) ?? {};
    const device = Client.fromConnectionString(connectionString, Mqtt);
    await device.setOptions({ ca: await readFile(hub.ready.caFile, 'utf8') });
    await device.open();
    for (const body of bodies) {
      const message = new Message(body);
      message.properties.add('room', 'kitchen');
      await device.sendEvent(message);
    }
    await device.close();
  };
  const jsonLines = (text: string) =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  it('tells people what comes from now on, and ends at Ctrl-C', async () => {
    await send('cam', 'before');
    const people = await following();
    await send('cam', '{"level":5}', 'bell \u0007 \u001b[2J');
    await until(() => people.output().includes('bell'), 'both events');
    expect(people.output()).toMatch(
      /^\d{4}-\d\d-\d\dT[\d:.]+Z {2}cam {2}partition \d #1\n {2}room=kitchen\n {2}\{"level":5\}\n/,
    );
    // Neither colours, for it is no terminal, nor what a device would do to one.
    // eslint-disable-next-line no-control-regex
    expect(people.output()).not.toMatch(/[\u0007\u001b]/);
    people.child.kill('SIGINT');
    expect(await people.exited).toBe(130);
    expect(people.errors()).toBe(`Following ${hub.ready.hostName}/localhub; Ctrl-C stops.\n`);
  });

  it('gives programs one JSON object a line, from the beginning, of one device', async () => {
    await send('cam', '{"level":5}', 'text', Buffer.from([0xff, 0x00]));
    await send('other', 'not this one');
    const programs = tail('--json', '--from-beginning', '--device', 'cam');
    await until(() => programs.output().split('\n').length > 3, 'three lines');
    const lines = jsonLines(programs.output());
    expect(lines).toMatchObject([
      { deviceId: 'cam', source: 'Telemetry', sequenceNumber: 0, properties: { room: 'kitchen' }, body: { level: 5 } },
      { sequenceNumber: 1, body: 'text' },
      { sequenceNumber: 2, bodyBase64: '/wA=' },
    ]);
    programs.child.kill('SIGTERM');
    expect(await programs.exited).toBe(0);
  });

  it('goes on where it was when the hub comes back', async () => {
    const people = await following();
    await send('cam', 'before');
    await until(() => people.output().includes('before'), 'the first event');
    hub.kill('SIGTERM');
    await hub.exited;
    await until(() => people.errors().includes('does not answer'), 'it tells of the trouble');
    await startHub('--port', String(hub.ready.port));
    await send('cam', 'after');
    await until(() => people.output().includes('after'), 'the second event');
    expect(people.output().match(/before|after/g)).toEqual(['before', 'after']);
  }, 60_000);

  it('ends when nobody reads on', async () => {
    const cut = await following('--json');
    cut.child.stdout?.destroy();
    await send('cam', 'a');
    expect(await cut.exited).toBe(0);
    expect(cut.errors()).not.toMatch(/EPIPE|^\s+at /m);
  });

  it('says what is wrong in one sentence', async () => {
    const nowhere = join(folder, 'nowhere');
    const none = await runEmulatorToEnd(['events', 'tail', '--data-dir', nowhere]);
    expect(none).toMatchObject({
      exitCode: 1,
      errors: expect.stringContaining(`No hub runs on the data folder ${nowhere}`),
    });

    const wrongKey = hub.ready.eventHubsConnectionString.replace(/SharedAccessKey=[^;]+/, 'SharedAccessKey=d3Jvbmc=');
    const untrusted = await runEmulatorToEnd(['events', 'tail', '--connection-string', wrongKey]);
    expect(untrusted).toMatchObject({ exitCode: 1, errors: expect.stringContaining('NODE_EXTRA_CA_CERTS') });
    expect(untrusted.errors).not.toContain('d3Jvbmc=');

    const group = await runEmulatorToEnd(['events', 'tail', '--data-dir', folder, '--consumer-group', 'nobody']);
    expect(group).toMatchObject({ exitCode: 1, errors: expect.stringContaining("'nobody' could not be found") });

    const other = await runEmulatorToEnd(['events', 'tail', '--connection-string', hub.ready.serviceConnectionString]);
    expect(other).toMatchObject({ exitCode: 1, errors: expect.stringContaining('Endpoint=sb://') });

    const nameless = wrongKey.replace(/;EntityPath=.*/, '');
    const noEntity = await runEmulatorToEnd(['events', 'tail', '--connection-string', nameless]);
    expect(noEntity).toMatchObject({ exitCode: 1, errors: expect.stringContaining('EntityPath=') });
    expect(noEntity.errors).not.toContain('d3Jvbmc=');

    hub.kill('SIGKILL');
    await hub.exited;
    const gone = await runEmulatorToEnd(['events', 'tail', '--data-dir', folder]);
    expect(gone).toMatchObject({ exitCode: 1, errors: expect.stringContaining('does not answer') });
    for (const { errors } of [none, untrusted, group, other, noEntity, gone]) expect(errors).not.toMatch(/^\s+at /m);
  });

  it('leaves no word of a hub that has stopped', async () => {
    hub.kill('SIGTERM');
    await hub.exited;
    const { exitCode, errors } = await runEmulatorToEnd(['events', 'tail', '--data-dir', folder]);
    expect({ exitCode, errors }).toEqual({ exitCode: 1, errors: expect.stringContaining('No hub runs') });
  });
});

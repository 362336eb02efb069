import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '#libs/runtime';
import { until } from '../../../test/support/until.js';
import { ServiceManager } from './service-manager.js';

const SOCKET = '/run/systemd/notify';

const managers: ServiceManager[] = [];
let directory: string;
let program: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'spyglass-notify-'));
  program = join(directory, 'systemd-notify');
  // Stands for systemd's program: writes down what it is to send, and whereto.
  writeFileSync(program, `#!/bin/sh\necho "$NOTIFY_SOCKET $*" >> "${directory}/sent"\n`);
  chmodSync(program, 0o755);
});

afterEach(async () => {
  for (const manager of managers.splice(0)) await manager.stopping();
  rmSync(directory, { recursive: true });
});

function aManager(settings: ConstructorParameters<typeof ServiceManager>[0], file = program) {
  const warnings: string[] = [];
  const logger = createLogger({ name: 'test', level: 'silent' });
  jest.spyOn(logger, 'warn').mockImplementation((_: unknown, text?: string) => {
    warnings.push(text ?? '');
  });
  const manager = new ServiceManager(settings, { logger, program: file });
  managers.push(manager);
  return { manager, warnings };
}

const sent = (): string[] =>
  existsSync(join(directory, 'sent')) ? readFileSync(join(directory, 'sent'), 'utf8').trim().split('\n') : [];

describe(ServiceManager.name, () => {
  it('tells systemd, in order, that the agent is up, how it is, and that it ends', async () => {
    const { manager, warnings } = aManager({ NOTIFY_SOCKET: SOCKET });
    await Promise.all([manager.ready('Connecting'), manager.status('Connected as device001'), manager.stopping()]);
    expect(sent()).toEqual([
      `${SOCKET} READY=1 STATUS=Connecting`,
      `${SOCKET} STATUS=Connected as device001`,
      `${SOCKET} STOPPING=1`,
    ]);
    expect(warnings).toEqual([]);
  });

  it('does nothing where systemd has not started it', async () => {
    const { manager } = aManager({ WATCHDOG_USEC: 2_000 });
    await manager.ready('Connecting');
    await manager.stopping();
    expect(sent()).toEqual([]);
  });

  it('sends signs of life once it is up, until it ends', async () => {
    const { manager } = aManager({ NOTIFY_SOCKET: SOCKET, WATCHDOG_USEC: 20_000, WATCHDOG_PID: process.pid });
    await manager.ready('Connecting');
    await until(() => sent().filter((line) => line === `${SOCKET} WATCHDOG=1`).length >= 3, 'three signs of life');
    await manager.stopping();
    const all = sent();
    expect(all[0]).toContain('READY=1');
    expect(all.at(-1)).toContain('STOPPING=1');
  });

  it('leaves the watchdog of another process alone', async () => {
    const started = jest.spyOn(global, 'setInterval');
    const { manager } = aManager({ NOTIFY_SOCKET: SOCKET, WATCHDOG_USEC: 20_000, WATCHDOG_PID: 1 });
    await manager.ready('Connecting');
    expect(started).not.toHaveBeenCalled();
    started.mockRestore();
  });

  it('goes on without the program, and says so once', async () => {
    const { manager, warnings } = aManager({ NOTIFY_SOCKET: SOCKET }, join(directory, 'missing'));
    await manager.ready('Connecting');
    await manager.status('Connected');
    await manager.stopping();
    expect(warnings).toEqual(['systemd-notify failed: systemd does not hear of the agent.']);
  });
});

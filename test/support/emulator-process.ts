import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const ROOT = join(__dirname, '../..');
/** The built command. */
export const EMULATOR_MAIN = join(ROOT, 'dist/apps/iot-hub-emulator/src/main.js');
const READY_LIMIT_MS = 20_000;

/** The emulator's ready line. */
interface EmulatorReady {
  readonly port: number;
  readonly hostName: string;
  readonly caFile: string;
  readonly serviceConnectionString: string;
  readonly eventHubsConnectionString: string;
  readonly devices: readonly { readonly deviceId: string; readonly connectionString: string }[];
}

/** The emulator as its users run it: a process of its own, from the build. */
export interface EmulatorProcess {
  readonly ready: EmulatorReady;
  /** From the start of the process to its ready line. */
  readonly readyAfterMs: number;
  readonly exited: Promise<number | null>;
  readonly pid: number;
  /** What it has written to standard error so far: its log. */
  log(): string;
  kill(signal: NodeJS.Signals): void;
}

/** Builds the emulator unless it is built: `npm test` has done so, a test file run on its own may not have. */
export async function ensureEmulatorBuilt(): Promise<void> {
  if (existsSync(EMULATOR_MAIN)) return;
  await promisify(execFile)(
    process.execPath,
    [join(ROOT, 'node_modules/@nestjs/cli/bin/nest.js'), 'build', 'iot-hub-emulator'],
    {
      cwd: ROOT,
    },
  );
}

/**
 * Starts the emulator on a free port with `args` and waits for its ready line.
 *
 * @param launcher a command that becomes the one it is given: what the emulator is started through.
 * @param main the command's file, when it is not this repository's.
 * @throws Error with its log if no such line comes.
 */
export async function startEmulatorProcess(
  args: readonly string[],
  launcher: readonly string[] = [],
  main?: string,
): Promise<EmulatorProcess> {
  const startedMs = performance.now();
  const { output, errors, child, exited } = runEmulator(
    ['start', '--port', '0', '--no-standard-ports', ...args],
    launcher,
    main,
  );
  const limit = setTimeout(() => child.kill('SIGKILL'), READY_LIMIT_MS);
  const line = await Promise.race([output, exited.then(() => undefined)]);
  clearTimeout(limit);
  if (line === undefined) throw new Error(`The emulator did not get ready:\n${errors()}`);
  return {
    ready: JSON.parse(line) as EmulatorReady,
    readyAfterMs: performance.now() - startedMs,
    exited,
    pid: child.pid ?? 0,
    log: errors,
    kill: (signal) => child.kill(signal),
  };
}

/** Runs a command of the emulator to its end. */
export async function runEmulatorToEnd(args: readonly string[]): Promise<{ exitCode: number | null; errors: string }> {
  const { errors, exited } = runEmulator(args);
  return { exitCode: await exited, errors: errors() };
}

function runEmulator(
  args: readonly string[],
  launcher: readonly string[] = [],
  main = EMULATOR_MAIN,
): {
  child: ChildProcess;
  /** The first line on standard output. */
  output: Promise<string>;
  errors: () => string;
  exited: Promise<number | null>;
} {
  const [command = '', ...commandArgs] = [...launcher, process.execPath, main, ...args];
  const child = spawn(command, commandArgs, { stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const output = new Promise<string>((resolve) => createInterface(child.stdout).once('line', resolve));
  const exited = once(child, 'close').then(([code]) => code as number | null);
  return { child, output, errors: () => errors, exited };
}

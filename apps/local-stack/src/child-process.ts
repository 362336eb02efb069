import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { extname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { AppError } from '#libs/runtime';

/** How long a stopping process may take before it is killed; two such steps fit into the 10 s that Ctrl-C may take. */
const STOP_TIMEOUT_MS = 4_000;

/** How many of its last lines are shown of a process that failed. */
const LAST_LINES = 12;

/** Beside this file, and compiled like it. */
const END_WITH_PARENT = join(__dirname, `end-with-parent${extname(__filename)}`);

export interface ProcessSpec<Ready> {
  /** What the process is called in messages. */
  name: string;
  /** Script and arguments for this Node.js. */
  args: string[];
  env: NodeJS.ProcessEnv;
  /** Where its output goes; nowhere when left out. */
  logFile?: string;
  /** Reads a line of standard output; anything but `undefined` says that the process is ready. */
  ready: (line: string) => Ready | undefined;
  /** How long it may take to become ready. */
  timeoutMs?: number;
}

export interface RunningProcess<Ready> {
  readonly name: string;
  readonly pid: number;
  /**
   * What the process said when it became ready.
   *
   * Rejects with {@link AppError} `STACK.PROCESS_FAILED` and its last lines when it ends or stays silent instead.
   */
  readonly ready: Promise<Ready>;
  /** Resolves with a description when the process has ended, for whatever reason. */
  readonly ended: Promise<string>;
  /** Asks the process to close and kills it when it does not. */
  stop: () => Promise<void>;
}

/** Starts a process of this Node.js; it ends when this process ends, for whatever reason. */
export function startProcess<Ready>(spec: ProcessSpec<Ready>): RunningProcess<Ready> {
  const child = spawn(process.execPath, ['--require', END_WITH_PARENT, ...spec.args], {
    env: spec.env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  }) as ChildProcessByStdio<null, Readable, Readable>;
  const log = spec.logFile === undefined ? undefined : createWriteStream(spec.logFile, { mode: 0o600 });
  const lastLines: string[] = [];
  const ready = Promise.withResolvers<Ready>();
  const ended = Promise.withResolvers<string>();

  const keep = (line: string): void => {
    log?.write(`${line}\n`);
    lastLines.push(line);
    if (lastLines.length > LAST_LINES) lastLines.shift();
  };
  createInterface(child.stdout).on('line', (line) => {
    const said = spec.ready(line);
    // A ready line may hold connection strings: it goes to the caller alone.
    if (said === undefined) keep(line);
    else ready.resolve(said);
  });
  createInterface(child.stderr).on('line', keep);
  child.on('error', (error) => {
    ended.resolve(`${spec.name} could not be started: ${error.message}`);
  });
  child.on('close', (code, signal) => {
    log?.end();
    ended.resolve(`${spec.name} ended with ${signal ?? `code ${String(code)}`}`);
  });

  const limitMs = spec.timeoutMs ?? 30_000;
  const limit = setTimeout(() => {
    ready.reject(processFailed(`${spec.name} was not ready after ${limitMs / 1_000} s`, lastLines));
  }, limitMs);
  void ended.promise.then((how) => {
    ready.reject(processFailed(how, lastLines));
  });
  const settled = (): void => {
    clearTimeout(limit);
  };
  ready.promise.then(settled, settled);

  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    const kill = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await ended.promise;
    clearTimeout(kill);
  };
  return { name: spec.name, pid: child.pid ?? 0, ready: ready.promise, ended: ended.promise, stop };
}

/** Reads the line of JSON by which our own applications say that they are ready. */
export function readyLine(line: string): unknown {
  return line.startsWith('{"ready":') ? JSON.parse(line) : undefined;
}

function processFailed(what: string, lastLines: readonly string[]): AppError {
  return new AppError('STACK.PROCESS_FAILED', [`${what}.`, ...lastLines].join('\n  '));
}

import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { type EmulatorProcess, startEmulatorProcess } from './emulator-process.js';

/** Why no network of a test's own can be had here; undefined when it can. */
export function ownNetworkMissing(): string | undefined {
  const { status } = spawnSync('unshare', ['--net', 'sh', '-c', 'ip link set lo up && command -v nsenter']);
  return status === 0
    ? undefined
    : 'it takes root, unshare, nsenter and ip to have the standard ports in a network of its own';
}

/** An emulator on the standard ports of a network that it shares with nobody but what is started by `spawn`. */
export interface EmulatorInOwnNetwork extends EmulatorProcess {
  /** Starts a program in the emulator's network. */
  spawn(command: string, args: readonly string[], env?: NodeJS.ProcessEnv): ChildProcessWithoutNullStreams;
}

/** Starts the built emulator where all of its ports are free, so that `HostName=localhost` reaches it by any protocol. */
export async function startEmulatorInOwnNetwork(args: readonly string[]): Promise<EmulatorInOwnNetwork> {
  const emulator = await startEmulatorProcess(
    ['--standard-ports', ...args],
    ['unshare', '--net', 'sh', '-c', 'ip link set lo up && exec "$0" "$@"'],
  );
  return {
    ...emulator,
    spawn: (command, commandArgs, env = process.env) =>
      spawn('nsenter', [`--net=/proc/${emulator.pid}/ns/net`, '--', command, ...commandArgs], { env }),
  };
}

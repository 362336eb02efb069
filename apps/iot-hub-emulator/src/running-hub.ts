import { rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { EmulatorOptionError } from './emulator-options.js';

/** What a program on the same machine reaches a hub by. */
export interface RunningHub {
  readonly eventHubsConnectionString: string;
  /** Absolute path of the PEM file to trust. */
  readonly caFile: string;
}

const fileIn = (dataDirectory: string): string => path.resolve(dataDirectory, 'running.json');

/** Leaves word in a hub's data directory of how to reach it, for its owner alone. @returns a function that takes it away. */
export async function announceHub(dataDirectory: string, hub: RunningHub): Promise<() => void> {
  const file = fileIn(dataDirectory);
  rmSync(file, { force: true });
  await writeFile(file, JSON.stringify(hub), { mode: 0o600 });
  return () => {
    rmSync(file, { force: true });
  };
}

/** How to reach the hub of a data directory. It may have been killed since. @throws {@link EmulatorOptionError} when none runs there. */
export async function findRunningHub(dataDirectory: string): Promise<RunningHub> {
  try {
    return JSON.parse(await readFile(fileIn(dataDirectory), 'utf8')) as RunningHub;
  } catch {
    throw new EmulatorOptionError(
      `No hub runs on the data folder ${path.resolve(dataDirectory)}: start one, name its folder with --data-dir, or give --connection-string.`,
    );
  }
}

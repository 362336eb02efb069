import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { EmulatorOptionError } from '../emulator-options.js';

/**
 * Makes a folder, and those above it, where they are missing.
 *
 * @param setting where the user has it from.
 * @throws {@link EmulatorOptionError} when it cannot be made, or something else is in its place.
 */
export async function makeFolder(
  directory: string,
  setting = '--data-dir or IOT_HUB_EMULATOR_DATA_DIR',
): Promise<void> {
  try {
    await makeWithParents(path.resolve(directory));
  } catch (cause) {
    const { message } = cause as Error;
    throw new EmulatorOptionError(`The folder cannot be used (${message}): choose another one with ${setting}.`);
  }
}

/** Node's own recursion never ends where the system refuses a name as ENOENT though its parent is there, as below /proc. */
async function makeWithParents(directory: string): Promise<void> {
  try {
    await makeOne(directory);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    await makeWithParents(path.dirname(directory));
    await makeOne(directory);
  }
}

async function makeOne(directory: string): Promise<void> {
  try {
    await mkdir(directory);
  } catch (cause) {
    const isThere = (cause as NodeJS.ErrnoException).code === 'EEXIST' && (await stat(directory)).isDirectory();
    if (!isThere) throw cause;
  }
}

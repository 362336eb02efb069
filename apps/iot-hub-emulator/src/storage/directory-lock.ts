import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { EmulatorOptionError } from '../emulator-options.js';

/** @see https://sqlite.org/rescode.html#busy */
const SQLITE_BUSY = 5;

/**
 * Takes a data directory for this emulator alone: two on one directory would each miss what the other writes.
 * The lock is one that SQLite holds on an empty database, so that the system itself lifts it when the process is killed.
 *
 * @returns a function that gives the directory free.
 * @throws {@link EmulatorOptionError} when another emulator, of this process or another, has it.
 */
export function lockDirectory(directory: string): () => void {
  const database = new DatabaseSync(path.join(directory, 'emulator.lock'), { timeout: 0 });
  try {
    // Nothing is ever written, so no journal need lie beside it.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (cause) {
    database.close();
    if ((cause as { errcode?: number }).errcode !== SQLITE_BUSY) throw cause;
    throw new EmulatorOptionError(
      `The data directory ${directory} is in use by another emulator: stop that one, or give this one a directory of its own (--data-dir or IOT_HUB_EMULATOR_DATA_DIR).`,
    );
  }
  return () => {
    database.close();
  };
}

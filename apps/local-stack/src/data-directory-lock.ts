import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AppError } from '#libs/runtime';

/** @see https://sqlite.org/rescode.html#busy */
const SQLITE_BUSY = 5;

/**
 * Takes the data directory for this stack alone: a second one, on ports of its own, would start an Azurite on the files
 * of the first. SQLite holds the lock, so that the system itself lifts it when the process is killed.
 *
 * @returns a function that gives the directory free
 * @throws {@link AppError} `STACK.DATA_IN_USE`
 */
export function lockDataDirectory(directory: string): () => void {
  const database = new DatabaseSync(join(directory, 'stack.lock'), { timeout: 0 });
  try {
    // Nothing is ever written, so no journal need lie beside it.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (cause) {
    database.close();
    if ((cause as { errcode?: number }).errcode !== SQLITE_BUSY) throw cause;
    throw new AppError('STACK.DATA_IN_USE', `Another local stack keeps its state in ${directory}.`, {
      hint: 'Stop that one, or set DATA_DIR to another folder.',
      cause,
    });
  }
  return () => {
    database.close();
  };
}

// Deletes the state of the local stack, unless a stack is running on it.
import { existsSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const directory = resolve(process.env.DATA_DIR || '.data');
const lock = join(directory, 'stack.lock');

if (!existsSync(directory)) {
  console.error(`There is no state in ${directory}.`);
} else if (existsSync(lock) && isHeld(lock)) {
  console.error(`A local stack is running on ${directory}: stop it first.`);
  process.exitCode = 1;
} else {
  rmSync(directory, { recursive: true });
  console.error(`Deleted ${directory}.`);
}

/** The stack holds its lock through SQLite, so that it is free when the stack was killed. */
function isHeld(file) {
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
    return false;
  } catch {
    return true;
  } finally {
    database.close();
  }
}

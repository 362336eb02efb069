import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { AppError } from '#libs/runtime';

/** Names a database, a container of it, or a document of that; what does not apply is empty. */
export interface ResourceKey {
  readonly database: string;
  readonly container: string;
  /** The partition key's value as JSON. */
  readonly partition: string;
  readonly id: string;
}

export interface StoredResource extends ResourceKey {
  readonly body: string;
}

const FILE = 'cosmos.sqlite';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS resources (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    database TEXT NOT NULL,
    container TEXT NOT NULL,
    partition TEXT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (database, container, partition, id)
  )`;

/**
 * What was written, on disk: one SQLite database whose write-ahead log is flushed at every commit. All writes of one turn
 * of the event loop share a commit. A torn end of the log, as kill -9 or a power cut leaves it, was never acknowledged and
 * is dropped when the file is opened; any other damage is reported then.
 */
export class DurableStore {
  private readonly database: DatabaseSync;
  private readonly upsert: StatementSync;
  private pending: PromiseWithResolvers<void> | undefined;
  private failure: AppError | undefined;

  /** @throws {@link AppError} `LOCAL_COSMOS.DATA_UNREADABLE` */
  constructor(directory: string) {
    const file = join(directory, FILE);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    let database: DatabaseSync | undefined;
    try {
      database = new DatabaseSync(file);
      // The lock is held from the first write to the end, so that no second process comes between.
      database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
      database.exec(`BEGIN IMMEDIATE; ${SCHEMA}; COMMIT`);
      const [check] = database.prepare('PRAGMA quick_check(1)').all() as { quick_check: string }[];
      if (check?.quick_check !== 'ok') throw new Error(check?.quick_check);
      this.upsert = database.prepare(
        'INSERT OR REPLACE INTO resources (database, container, partition, id, body) VALUES (?, ?, ?, ?, ?)',
      );
    } catch (cause) {
      database?.close();
      throw unreadable(file, cause);
    }
    this.database = database;
  }

  /** Everything, in the order of the last writes. */
  all(): StoredResource[] {
    const rows = this.database
      .prepare('SELECT database, container, partition, id, body FROM resources ORDER BY sequence')
      .all();
    return rows as unknown as StoredResource[];
  }

  /** Stores a resource, or what it has become, with this turn's commit. */
  put({ database, container, partition, id }: ResourceKey, body: object): void {
    this.begin();
    this.upsert.run(database, container, partition, id, JSON.stringify(body));
  }

  /** Removes a document, a container with its documents, or a database with all that is in it. */
  delete({ database, container, partition, id }: ResourceKey): void {
    this.begin();
    const [where, values] =
      id !== ''
        ? ['database = ? AND container = ? AND partition = ? AND id = ?', [database, container, partition, id]]
        : container !== ''
          ? ['database = ? AND container = ?', [database, container]]
          : ['database = ?', [database]];
    this.database.prepare(`DELETE FROM resources WHERE ${where}`).run(...values);
  }

  /**
   * Resolves when everything written so far is on disk.
   *
   * @throws {@link AppError} `LOCAL_COSMOS.WRITE_FAILED`
   */
  async committed(): Promise<void> {
    await this.pending?.promise;
  }

  /** @throws {@link AppError} `LOCAL_COSMOS.WRITE_FAILED` once a commit has failed: since then memory and disk differ. */
  requireWorking(): void {
    if (this.failure) throw this.failure;
  }

  /** Commits what is pending and closes the file. */
  close(): void {
    this.commit();
    if (this.database.isOpen) this.database.close();
  }

  private begin(): void {
    if (this.pending) return;
    this.pending = Promise.withResolvers();
    // Whoever waits learns of a failure; where nobody does, the next request tells.
    this.pending.promise.catch(() => undefined);
    this.database.exec('BEGIN IMMEDIATE');
    // The check phase follows all I/O callbacks of this turn: what arrived together is flushed together.
    setImmediate(() => {
      this.commit();
    });
  }

  private commit(): void {
    const { pending } = this;
    if (!pending) return;
    this.pending = undefined;
    try {
      this.database.exec('COMMIT');
      pending.resolve();
    } catch (cause) {
      this.failure = new AppError('LOCAL_COSMOS.WRITE_FAILED', 'The documents could not be written to disk.', {
        hint: 'Make room on the disk and start the local Cosmos DB again.',
        cause,
      });
      if (this.database.isTransaction) this.database.exec('ROLLBACK');
      pending.reject(this.failure);
    }
  }
}

function unreadable(file: string, cause: unknown): AppError {
  const busy = (cause as { errcode?: number }).errcode === SQLITE_BUSY;
  return new AppError('LOCAL_COSMOS.DATA_UNREADABLE', `${file} ${busy ? 'is in use' : 'cannot be read'}.`, {
    hint: busy
      ? 'Stop the other local Cosmos DB, or set LOCAL_COSMOS_DATA_DIR to another folder.'
      : 'Delete the folder to start without documents, or set LOCAL_COSMOS_DATA_DIR to another.',
    cause,
  });
}

/** @see https://www.sqlite.org/rescode.html#busy */
const SQLITE_BUSY = 5;

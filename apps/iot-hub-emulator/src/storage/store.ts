import { closeSync, existsSync, fdatasyncSync, openSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { EmulatorOptionError } from '../emulator-options.js';
import { PendingRows } from './pending-rows.js';
import { SCHEMA_STEPS } from './schema.js';

/** What waits for the end of a transaction. */
interface Waiting {
  /** Of all that wait for the commit: there may be thousands of them. */
  committed?: PromiseWithResolvers<void>;
  readonly tasks: ((committed: boolean) => void)[];
}

/**
 * The hub's durable state: one SQLite database, journal in WAL mode, flushed to disk at every commit.
 *
 * All writes of one turn of the event loop share one commit, so that a busy hub pays for one flush, not for thousands.
 * A read sees the writes of the same turn at once.
 */
export class Store {
  readonly database: DatabaseSync;
  /** Called after each commit, with the time that the flush took and the number of writes that shared it. */
  onCommit: (durationMs: number, writes: number) => void = () => undefined;
  /** Called with the reason when something failed to be stored that nobody waits for, and so nobody else is told. */
  onLost: (cause: unknown) => void = () => undefined;
  private readonly statements = new Map<string, StatementSync>();
  private readonly pendingRows: Pick<PendingRows<unknown>, 'length' | 'truncate' | 'flush'>[] = [];
  private waiting: Waiting = { tasks: [] };
  private open = false;
  /** Why the database itself has given up the open transaction (a full disk, for instance): nothing can join it any more. */
  private givenUp: { readonly cause: unknown } | undefined;
  private writes = 0;
  private closed = false;

  /** @param file path of the database; `:memory:` keeps it in memory alone. */
  constructor(file: string) {
    flushLog(file);
    this.database = new DatabaseSync(file, { enableForeignKeyConstraints: true, timeout: 5000 });
    // Pages of a new database. Large ones hold messages with less around them, and go to the log with fewer calls.
    this.database.exec('PRAGMA page_size = 16384');
    this.database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;');
    const found = (this.database.prepare('PRAGMA user_version').get() as { user_version: number }).user_version;
    const wanted = SCHEMA_STEPS.length;
    if (found > wanted) {
      this.database.close();
      throw new EmulatorOptionError(
        `The database ${file} has format ${found}, this version reads format ${wanted}: use another data folder or delete it.`,
      );
    }
    if (found < wanted) {
      this.database.exec(`BEGIN; ${SCHEMA_STEPS.slice(found).join('')} PRAGMA user_version = ${wanted}; COMMIT;`);
    }
  }

  /** A prepared statement, compiled once for each text. Call it inside {@link write} if it changes anything. */
  sql(text: string): StatementSync {
    let statement = this.statements.get(text);
    if (statement === undefined) {
      statement = this.database.prepare(text);
      this.statements.set(text, statement);
    }
    return statement;
  }

  /**
   * Runs `work` in this turn's transaction. All of it happens or, if it throws, nothing of it; what it throws is thrown on.
   *
   * @returns what `work` returned, once the commit is on disk.
   */
  async write<T>(work: () => T): Promise<T> {
    this.begin();
    this.sql('SAVEPOINT step').run();
    const lengths = this.pendingRows.map((pending) => pending.length);
    let result: T;
    try {
      result = work();
    } catch (cause) {
      this.failed(cause);
      if (this.givenUp === undefined) {
        this.sql('ROLLBACK TO step').run();
        this.sql('RELEASE step').run();
        for (const [index, pending] of this.pendingRows.entries()) pending.truncate(lengths[index] ?? 0);
      }
      throw cause;
    }
    this.sql('RELEASE step').run();
    await this.committed();
    return result;
  }

  /** As {@link write} for a single statement, which needs no savepoint of its own; what it throws is thrown at once. */
  writeOne(work: () => void): Promise<void> {
    this.begin();
    try {
      work();
    } catch (cause) {
      this.failed(cause);
      throw cause;
    }
    return this.committed();
  }

  /** As {@link writeOne} for what nobody waits for and whose loss does no harm: it never throws, {@link onLost} is told. */
  writeLater(work: () => void): void {
    if (this.closed) return;
    try {
      this.begin();
      work();
    } catch (cause) {
      this.failed(cause);
      this.onLost(cause);
    }
  }

  /**
   * Rows that each transaction gathers and writes at its end.
   *
   * @param insert called before the commit with all of them; what it throws undoes the transaction.
   */
  gather<T>(insert: (rows: readonly T[]) => void): PendingRows<T> {
    const pending = new PendingRows(insert);
    this.pendingRows.push(pending);
    return pending;
  }

  /** Size of what is in the database; room that deleted rows have left is not counted. */
  usedBytes(): number {
    const { bytes } = this.sql(
      `SELECT (pages.page_count - free.freelist_count) * size.page_size AS bytes
       FROM pragma_page_count AS pages, pragma_freelist_count AS free, pragma_page_size AS size`,
    ).get() as { bytes: number };
    return bytes;
  }

  /** Calls `task` at the end of the open transaction, saying whether it was committed. For use within a write. */
  afterTransaction(task: (committed: boolean) => void): void {
    this.waiting.tasks.push(task);
  }

  /** Runs a read when nothing is pending, so that it sees what is committed alone. */
  async readCommitted<T>(read: () => T): Promise<T> {
    while (this.open) await this.committed().catch(() => undefined);
    return read();
  }

  /** Commits what is pending and closes the database. */
  close(): void {
    if (this.closed) return;
    this.commit();
    this.closed = true;
    this.statements.clear();
    this.database.close();
  }

  private begin(): void {
    if (this.closed) throw new Error('The store is closed.');
    if (this.givenUp !== undefined) throw this.givenUp.cause;
    this.writes += 1;
    if (this.open) return;
    this.sql('BEGIN IMMEDIATE').run();
    this.open = true;
    // The check phase comes after all I/O callbacks of this turn: everything that arrived together commits together.
    setImmediate(() => {
      this.commit();
    });
  }

  /** Takes note of a failure within the open transaction. */
  private failed(cause: unknown): void {
    // Else what follows in this turn would be committed by itself, one by one, and refused all the same.
    if (this.open && !this.database.isTransaction) this.givenUp ??= { cause };
  }

  private committed(): Promise<void> {
    this.waiting.committed ??= Promise.withResolvers();
    return this.waiting.committed.promise;
  }

  private commit(): void {
    if (!this.open) return;
    const { writes } = this;
    const startedMs = performance.now();
    let failure = this.givenUp;
    try {
      if (failure !== undefined) throw failure.cause;
      for (const pending of this.pendingRows) pending.flush();
      this.sql('COMMIT').run();
    } catch (cause) {
      failure = { cause };
      if (this.database.isTransaction) this.sql('ROLLBACK').run();
      for (const pending of this.pendingRows) pending.truncate(0);
    }
    const { committed, tasks } = this.waiting;
    this.waiting = { tasks: [] };
    this.open = false;
    this.givenUp = undefined;
    this.writes = 0;
    if (failure === undefined) this.onCommit(performance.now() - startedMs, writes);
    for (const task of tasks) task(failure === undefined);
    if (failure === undefined) committed?.resolve();
    else if (committed === undefined) this.onLost(failure.cause);
    else committed.reject(failure.cause);
  }
}

/**
 * A hub that was killed between writing a commit and flushing it has left it with the operating system alone. What we show
 * from now on, the numbers of events for instance, must not be lost with the power.
 */
function flushLog(file: string): void {
  const log = `${file}-wal`;
  if (!existsSync(log)) return;
  const descriptor = openSync(log, 'r+');
  try {
    fdatasyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

import { realpathSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { EmulatorOptionError } from '../emulator-options.js';
import { type Flush, LogFlusher } from './log-flusher.js';
import { PendingRows } from './pending-rows.js';
import { SCHEMA_STEPS } from './schema.js';

/** What waits for a transaction to be on disk. */
interface Waiting {
  /** Of all that wait: there may be thousands of them. */
  durable?: PromiseWithResolvers<void>;
  readonly tasks: ((durable: boolean) => void)[];
}

/**
 * The hub's durable state: one SQLite database, journal in WAL mode.
 *
 * All writes of one turn of the event loop share one commit, and so do all that come while the last commit is still being
 * flushed to disk, for which the event loop does not wait. A write is acknowledged when its commit is on disk. A read sees
 * every write before it at once, also one that is not on disk yet.
 */
export class Store {
  readonly database: DatabaseSync;
  /** Called when a commit is on disk, with the time that this took and the number of writes that shared it. */
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
  /** None for a database in memory. */
  private readonly flusher: LogFlusher | undefined;

  /**
   * @param file path of the database; `:memory:` keeps it in memory alone.
   * @param flush brings an open file's bytes to the disk. Default: `fdatasync`.
   */
  constructor(file: string, flush?: Flush) {
    this.database = new DatabaseSync(file, { enableForeignKeyConstraints: true, timeout: 5000 });
    // Pages of a new database. Large ones hold messages with less around them, and go to the log with fewer calls.
    this.database.exec('PRAGMA page_size = 16384');
    // NORMAL flushes what the consistency of the database hangs on; the commits themselves are flushed here.
    this.database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY;');
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
    // SQLite keeps the log beside the file itself, not beside a link to it.
    if (file !== ':memory:') this.flusher = new LogFlusher(`${realpathSync(file)}-wal`, flush);
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
    await this.durable();
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
    return this.durable();
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

  /** Calls `task` when the open transaction is on disk, or is not and never will be. For use within a write. */
  afterTransaction(task: (durable: boolean) => void): void {
    this.waiting.tasks.push(task);
  }

  /** Commits what is pending, flushes it and closes the database. */
  close(): void {
    if (this.closed) return;
    while (this.open || this.flusher?.isFlushing === true) {
      this.flusher?.finish();
      this.commit();
    }
    this.closed = true;
    this.flusher?.close();
    this.statements.clear();
    this.database.close();
  }

  private begin(): void {
    if (this.closed) throw new Error('The store is closed.');
    if (this.flusher?.failure !== undefined) throw this.flusher.failure;
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

  private durable(): Promise<void> {
    this.waiting.durable ??= Promise.withResolvers();
    return this.waiting.durable.promise;
  }

  /** Commits the open transaction; while a flush is under way, its end does. */
  private commit(): void {
    if (!this.open || this.flusher?.isFlushing === true) return;
    const startedMs = performance.now();
    let failure = this.flusher?.failure === undefined ? this.givenUp : { cause: this.flusher.failure };
    try {
      if (failure !== undefined) throw failure.cause;
      for (const pending of this.pendingRows) pending.flush();
      this.sql('COMMIT').run();
    } catch (cause) {
      failure = { cause };
      if (this.database.isTransaction) this.sql('ROLLBACK').run();
      for (const pending of this.pendingRows) pending.truncate(0);
    }
    const { waiting, writes } = this;
    this.waiting = { tasks: [] };
    this.open = false;
    this.givenUp = undefined;
    this.writes = 0;
    const succeed = () => {
      this.onCommit(performance.now() - startedMs, writes);
      for (const task of waiting.tasks) task(true);
      waiting.durable?.resolve();
    };
    if (failure !== undefined) this.fail(waiting, failure.cause);
    else if (this.flusher === undefined) succeed();
    else {
      this.flusher.flush((cause) => {
        // First the next commit, so that the disk has something to do.
        this.commit();
        if (cause === undefined) succeed();
        else this.fail(waiting, cause);
      });
    }
  }

  private fail({ durable, tasks }: Waiting, cause: unknown): void {
    for (const task of tasks) task(false);
    if (durable === undefined) this.onLost(cause);
    else durable.reject(cause);
  }
}

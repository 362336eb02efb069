import { closeSync, fdatasync, fdatasyncSync, fsyncSync, openSync } from 'node:fs';
import path from 'node:path';

/** Brings an open file's bytes to the disk, as {@link fdatasync} does. */
export type Flush = (descriptor: number, done: (cause: Error | null) => void) => void;

/** Called when a flush has ended. */
type Ended = (failure: Error | undefined) => void;

/**
 * Flushes SQLite's write-ahead log in the thread pool, one flush at a time: each is for all that was committed before it
 * began.
 *
 * Why what this acknowledges survives a power cut, with `synchronous=NORMAL`:
 * - A commit has written all its frames to the log when COMMIT returns, so a flush begun later covers them. The frames
 *   before them are covered too: of a log, the next start takes all up to the first frame that is not whole.
 * - Once a checkpoint has copied the log, it may be begun anew, over frames that this has not flushed yet. SQLite
 *   flushes the log before it copies from it, the database after it, and only then begins anew, flushing the new
 *   header first: those commits are on disk then in the database.
 * - The folder is flushed once, for a log that was made just now.
 * - The log stays one file as long as the database is open, and SQLite keeps its locks on other files: so a descriptor
 *   of one's own, opened once, does no harm and keeps being the right one.
 *
 * @see https://sqlite.org/wal.html#ckpt
 * @see https://sqlite.org/pragma.html#pragma_synchronous
 */
export class LogFlusher {
  private readonly descriptor: number;
  private ended: Ended | undefined;
  /** Flushes that use the descriptor still. */
  private running = 0;
  private closed = false;
  private failed: Error | undefined;

  /**
   * Flushes what a process that was killed may have left in the log, so that nothing is shown or built upon that a power
   * cut could still take.
   *
   * @param file the log, which is there once the database has been read.
   */
  constructor(
    file: string,
    private readonly start: Flush = fdatasync,
  ) {
    this.descriptor = openSync(file, 'r+');
    fdatasyncSync(this.descriptor);
    flushFolder(path.dirname(file));
  }

  /**
   * Why nothing can be flushed any more. What a failed flush should have written may be gone from the disk although it
   * can still be read, and a later flush would not tell: nothing may be built upon it until the database is opened anew.
   */
  get failure(): Error | undefined {
    return this.failed;
  }

  /** Whether a flush is under way. */
  get isFlushing(): boolean {
    return this.ended !== undefined;
  }

  /** Flushes all that is in the log by now. For use when no flush is under way and none has failed. */
  flush(ended: Ended): void {
    this.ended = ended;
    this.running += 1;
    this.start(this.descriptor, (cause) => {
      this.running -= 1;
      if (this.closed && this.running === 0) closeSync(this.descriptor);
      // Another one may have done its work.
      if (this.ended === ended) this.end(cause);
    });
  }

  /** Flushes at once, if a flush is under way. */
  finish(): void {
    if (this.ended === undefined) return;
    try {
      fdatasyncSync(this.descriptor);
      this.end(null);
    } catch (cause) {
      this.end(cause);
    }
  }

  /** To be called when no flush is under way, before the database closes, which deletes the log. */
  close(): void {
    this.closed = true;
    if (this.running === 0) closeSync(this.descriptor);
  }

  private end(cause: unknown): void {
    const { ended } = this;
    this.ended = undefined;
    if (cause !== null) {
      this.failed = new Error('The disk has failed: the hub takes nothing more until it is started anew.', { cause });
    }
    ended?.(this.failed);
  }
}

/** Windows has no way to, and no need. */
function flushFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

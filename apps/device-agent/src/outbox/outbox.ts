import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { AppError } from '#libs/runtime';

/** A message that waits for the hub's confirmation. */
export interface OutboxMessage {
  messageId: string;
  kind: string;
  /** ISO 8601, UTC. */
  createdAt: string;
  body: string;
}

export interface OutboxOptions {
  /** Where the messages are kept; in memory when left out. */
  file?: string | undefined;
  /** How many bytes of messages may wait. */
  maxBytes: number;
}

/** The kind of message that gives way first: of what is measured all the time, the newest matters most. */
const FIRST_TO_GO = 'telemetry';

/** What a message takes beside its body, about. */
const OVERHEAD_BYTES = 128;

const IN_MEMORY = ':memory:';

// One connection alone may use the file, and a change is on the disk before the statement returns.
const SCHEMA = `
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS messages (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    created_at TEXT NOT NULL,
    body TEXT NOT NULL,
    size_bytes INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS dropped (kind TEXT PRIMARY KEY, messages INTEGER NOT NULL) STRICT;
`;

interface Row {
  sequence: number;
  size_bytes: number;
}

/**
 * Keeps what the device has to say until the hub has confirmed it: in order, and on disk, so that neither a lost
 * connection nor a crash loses it.
 *
 * Beyond `maxBytes` the oldest telemetry gives way; other messages only when there is no telemetry left.
 */
export class Outbox {
  private readonly database: DatabaseSync;
  private readonly statements: Record<'add' | 'oldest' | 'oldestToGo' | 'remove' | 'drop' | 'countDrop', StatementSync>;
  private readonly maxBytes: number;
  private bytes: number;
  private droppedMessages: number;

  /** @throws {@link AppError} `OUTBOX.UNUSABLE` when the file cannot be used, or another process uses it */
  constructor({ file = IN_MEMORY, maxBytes }: OutboxOptions) {
    this.maxBytes = maxBytes;
    this.database = openDatabase(file);
    const sum = (sql: string): number => Number(this.database.prepare(sql).get()?.sum);
    this.bytes = sum('SELECT coalesce(sum(size_bytes), 0) AS sum FROM messages');
    this.droppedMessages = sum('SELECT coalesce(sum(messages), 0) AS sum FROM dropped');
    this.statements = {
      add: this.database.prepare(
        'INSERT INTO messages (message_id, kind, created_at, body, size_bytes) VALUES (?, ?, ?, ?, ?)',
      ),
      oldest: this.database.prepare(
        'SELECT message_id AS messageId, kind, created_at AS createdAt, body FROM messages ORDER BY sequence LIMIT ?',
      ),
      oldestToGo: this.database.prepare(
        'SELECT kind, sequence, size_bytes FROM messages ORDER BY kind <> ?, sequence LIMIT 1',
      ),
      remove: this.database.prepare('DELETE FROM messages WHERE message_id = ? RETURNING size_bytes'),
      drop: this.database.prepare('DELETE FROM messages WHERE sequence = ?'),
      countDrop: this.database.prepare(
        'INSERT INTO dropped VALUES (?, 1) ON CONFLICT DO UPDATE SET messages = messages + 1',
      ),
    };
  }

  /** How many messages were given up for want of space since the file was made. */
  get dropped(): number {
    return this.droppedMessages;
  }

  /** Takes a message; once this returns it survives a crash. What has to give way for it is counted in `dropped`. */
  add(message: OutboxMessage): void {
    const sizeBytes = Buffer.byteLength(message.body) + OVERHEAD_BYTES;
    this.transaction(() => {
      while (this.bytes + sizeBytes > this.maxBytes) {
        if (!this.dropOne(message.kind)) {
          this.countDrop(message.kind);
          return;
        }
      }
      this.statements.add.run(message.messageId, message.kind, message.createdAt, message.body, sizeBytes);
      this.bytes += sizeBytes;
    });
  }

  /** The messages that have waited longest, oldest first. */
  oldest(limit: number): OutboxMessage[] {
    return this.statements.oldest.all(limit) as unknown as OutboxMessage[];
  }

  /** Forgets messages that the hub has confirmed. */
  remove(messageIds: readonly string[]): void {
    this.transaction(() => {
      for (const messageId of messageIds) {
        this.bytes -= Number(this.statements.remove.get(messageId)?.size_bytes ?? 0);
      }
    });
  }

  close(): void {
    this.database.close();
  }

  /** Makes room for a message of a kind; false when it is itself what has to give way. */
  private dropOne(forKind: string): boolean {
    const row = this.statements.oldestToGo.get(FIRST_TO_GO) as (Row & { kind: string }) | undefined;
    if (!row || (forKind === FIRST_TO_GO && row.kind !== FIRST_TO_GO)) return false;
    this.statements.drop.run(row.sequence);
    this.bytes -= row.size_bytes;
    this.countDrop(row.kind);
    return true;
  }

  private countDrop(kind: string): void {
    this.statements.countDrop.run(kind);
    this.droppedMessages += 1;
  }

  private transaction(work: () => void): void {
    const { bytes, droppedMessages } = this;
    this.database.exec('BEGIN');
    try {
      work();
      this.database.exec('COMMIT');
    } catch (error) {
      if (this.database.isTransaction) this.database.exec('ROLLBACK');
      Object.assign(this, { bytes, droppedMessages });
      throw error;
    }
  }
}

function openDatabase(file: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    if (file !== IN_MEMORY) mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    database = new DatabaseSync(file);
    database.exec(SCHEMA);
    return database;
  } catch (cause) {
    database?.close();
    throw new AppError('OUTBOX.UNUSABLE', `The outbox ${file} cannot be used: ${(cause as Error).message}.`, {
      hint: 'Each agent needs an AGENT_DATA_DIR of its own that it may write to; a damaged outbox file may be removed.',
      cause,
    });
  }
}

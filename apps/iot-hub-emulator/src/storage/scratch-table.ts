import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';

/** A table in memory, apart from the store, for what is put together over several turns of the event loop. Close it at the end. */
export class ScratchTable {
  private readonly database = new DatabaseSync(':memory:');
  private readonly insertion: StatementSync;

  /** A table called `scratch`. */
  constructor(columns: readonly string[]) {
    this.database.exec(`CREATE TABLE scratch (${columns.join(', ')})`);
    this.insertion = this.database.prepare(`INSERT INTO scratch VALUES (${columns.map(() => '?').join(', ')})`);
  }

  /** @param values one a column. */
  insert(values: readonly SQLInputValue[]): void {
    this.insertion.run(...values);
  }

  /** The rows of a query over `scratch`. */
  all(sql: string, ...parameters: readonly SQLInputValue[]): Record<string, unknown>[] {
    return this.database.prepare(sql).all(...parameters);
  }

  close(): void {
    this.database.close();
  }
}

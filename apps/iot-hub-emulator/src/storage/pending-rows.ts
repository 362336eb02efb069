/** Rows of the open transaction that are written together at its end, with few statements. */
export class PendingRows<T> {
  private rows: T[] = [];

  /** @param insert writes rows, in the order in which they were added. */
  constructor(private readonly insert: (rows: readonly T[]) => void) {}

  /** How many there are in the open transaction. */
  get length(): number {
    return this.rows.length;
  }

  /** Adds a row; for use within a write. */
  add(row: T): void {
    this.rows.push(row);
  }

  /** Drops all rows but the first ones. */
  truncate(length: number): void {
    this.rows.length = length;
  }

  flush(): void {
    if (this.rows.length === 0) return;
    const { rows } = this;
    this.rows = [];
    this.insert(rows);
  }
}

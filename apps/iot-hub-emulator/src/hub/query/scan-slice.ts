import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Store } from '../../storage/store.js';
import type { Collection } from './collection.js';

/** How a scan is cut, so that a query over many or large documents holds up nobody else. */
export interface SlicePace {
  /** Rows of the first slice, whose cost is not known yet. */
  readonly rows: number;
  /** How long a slice should take. */
  readonly targetMs: number;
}

export const DEFAULT_PACE: SlicePace = { rows: 20, targetMs: 10 };

/** How much larger than the one before a slice may be: the next rows may be dearer. */
const MAX_GROWTH = 8;

/** Values of a collection's key columns. */
export type Key = readonly (string | number)[];

/** How a collection is gone through. */
export interface Scan {
  /** The rows come after this one. */
  readonly from: Key;
  readonly pace: SlicePace;
  /** Ends it early. */
  readonly signal: AbortSignal | undefined;
}

/** Rows of a collection next to each other in the order of its keys. */
export interface Slice {
  /** The rows come after this one. */
  readonly after: Key;
  /** The last of them; absent when the slice reaches to the end. */
  readonly upTo?: Key;
}

/**
 * A slice as an SQL condition, and the values of its placeholders.
 *
 * @param placed how many placeholders of the statement are numbered already.
 */
export function sliceCondition({ keys }: Collection, { after, upTo }: Slice, placed: number) {
  const key = `(${keys.join(', ')})`;
  const list = (before: number) => `(${keys.map((_, index) => `?${before + index + 1}`).join(', ')})`;
  return upTo === undefined
    ? { sql: `${key} > ${list(placed)}`, values: after }
    : { sql: `${key} > ${list(placed)} AND ${key} <= ${list(placed + keys.length)}`, values: [...after, ...upTo] };
}

/**
 * Goes through a collection in slices that each keep the event loop for about {@link SlicePace.targetMs}, and lets other work
 * run between two. Rows written meanwhile are seen, or not, by where they stand.
 *
 * @param visit looks at a slice; returns true to go no further.
 * @returns whether it went no further.
 * @throws the signal's reason when nobody waits for the result any more.
 */
export async function scanInSlices(
  store: Store,
  collection: Collection,
  { from, pace, signal }: Scan,
  visit: (slice: Slice) => boolean,
): Promise<boolean> {
  let after = from;
  let { rows } = pace;
  for (;;) {
    const startMs = performance.now();
    const upTo = keyAfter(store, collection, after, rows);
    if (visit({ after, ...(upTo && { upTo }) })) return true;
    if (upTo === undefined) return false;
    const growth = pace.targetMs / (performance.now() - startMs);
    rows = Math.max(1, Math.floor(rows * Math.min(growth, MAX_GROWTH)));
    after = upTo;
    await nextTurn();
    signal?.throwIfAborted();
  }
}

/** The key that stands `rows` rows after another; undefined when there are no more than that. */
function keyAfter(store: Store, { table, belongs, keys }: Collection, after: Key, rows: number): Key | undefined {
  const key = keys.join(', ');
  const row = store
    .sql(
      `SELECT ${key} FROM ${table} WHERE ${belongs} AND (${key}) > (${keys.map(() => '?').join(', ')})
       ORDER BY ${key} LIMIT 1 OFFSET ?`,
    )
    .get(...after, rows - 1);
  return row && keys.map((column) => row[column] as string);
}

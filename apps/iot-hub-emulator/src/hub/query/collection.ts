import type { JsonObject } from '../json.js';
import type { PathExpression } from './query-ast.js';

/** Where a value of a document stands in the table of its collection. */
export type Field =
  /** No document has it. */
  | { readonly kind: 'undefined' }
  /** A part of the document that is spread over several columns. */
  | { readonly kind: 'object' }
  /** A column of one type. `sqlNull` says what a NULL in it means. */
  | {
      readonly kind: 'text' | 'number' | 'boolean';
      readonly sql: string;
      readonly sqlNull: 'never' | 'null' | 'undefined';
    }
  /** A value inside a column of JSON text; `path` is empty for the whole column. */
  | { readonly kind: 'json'; readonly column: string; readonly path: readonly string[] };

/** A field with the attribute's names as the document writes them. */
export interface ResolvedField {
  readonly field: Field;
  readonly segments: readonly string[];
}

/** A row as SQLite gives it. */
export type SqlRow = Readonly<Record<string, unknown>>;

/** What a query can be FROM: JSON documents, each a row of a table. */
export interface Collection {
  readonly table: string;
  /** SQL condition: which rows of the table are documents of the collection. */
  readonly belongs: string;
  /** Columns that name a document and give the order, each of texts. */
  readonly keys: readonly string[];
  /** What clients know whole documents as. */
  readonly itemType: 'Twin' | 'DeviceJob';
  /** Set when `SELECT *` is all that can be selected. */
  readonly wholeOnly?: true;
  /**
   * Finds an attribute. One that no document has is `undefined`, not an error.
   *
   * @throws {@link HubError} ArgumentInvalid for what the collection must not be asked.
   */
  resolve(path: PathExpression): ResolvedField;
  toDocument(row: SqlRow): JsonObject;
  /** About how long the document's JSON is. */
  sizeBytes(row: SqlRow): number;
}

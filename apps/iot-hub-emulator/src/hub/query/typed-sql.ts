import type { Field } from './collection.js';
import type { ConstantValue } from './query-ast.js';
import type { SqlParameters } from './sql-parameters.js';

/**
 * SQL for a value whose type is known only when a row is read: one fragment for each type it may have.
 * `text`, `number` and `boolean` (1 or 0) are NULL where the value is of another type. `type` is what `json_type` says
 * and NULL where the value is undefined. A fragment that is absent: the value is never of that type.
 */
export interface TypedSql {
  readonly type: string;
  readonly text?: string;
  readonly number?: string;
  readonly boolean?: string;
  readonly mayBeNull: boolean;
  /**
   * Set for operators' results: of one type at most, and as long as the query. Whoever uses it writes it once, or nested
   * conditions would double in size with each level.
   */
  readonly computed?: true;
}

/** No value, of any row. */
export const UNDEFINED: TypedSql = { type: 'NULL', mayBeNull: false };

/** A computed number; NULL is undefined. */
export const computedNumber = (sql: string): TypedSql => ({
  type: `CASE WHEN ${sql} IS NOT NULL THEN 'real' END`,
  number: sql,
  mayBeNull: false,
  computed: true,
});

/** A computed truth value; NULL is undefined. */
export const computedBoolean = (sql: string): TypedSql => ({
  type: `CASE ${sql} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END`,
  boolean: sql,
  mayBeNull: false,
  computed: true,
});

export function constantSql(value: ConstantValue, parameters: SqlParameters): TypedSql {
  switch (typeof value) {
    case 'string':
      return { type: `'text'`, text: parameters.bind(value), mayBeNull: false };
    case 'number':
      // JSON has one kind of number; without the cast, SQLite would divide whole numbers as whole numbers.
      return { type: `'real'`, number: `CAST(${parameters.bind(value)} AS REAL)`, mayBeNull: false };
    case 'boolean':
      return { type: `'${value}'`, boolean: value ? '1' : '0', mayBeNull: false };
    case 'undefined':
      return UNDEFINED;
    default:
      return { type: `'null'`, mayBeNull: true };
  }
}

export function fieldSql(field: Field, parameters: SqlParameters): TypedSql {
  switch (field.kind) {
    case 'undefined':
      return UNDEFINED;
    case 'object':
      return { type: `'object'`, mayBeNull: false };
    case 'json':
      return jsonSql(field.column, jsonPath(field.path), parameters);
    case 'text':
      return columnSql(field, `'text'`, { text: field.sql });
    case 'number':
      return columnSql(field, `'real'`, { number: `CAST(${field.sql} AS REAL)` });
    case 'boolean':
      return columnSql(field, `CASE ${field.sql} WHEN 1 THEN 'true' ELSE 'false' END`, { boolean: field.sql });
  }
}

/**
 * SQLite's JSON path of nested keys. Each is quoted as a JSON text, so that dots, brackets and quotes in it mean
 * themselves. The path itself is always a bound parameter.
 *
 * @see https://www.sqlite.org/json1.html#path_arguments
 */
export const jsonPath = (keys: readonly string[]): string =>
  `$${keys.map((key) => `.${JSON.stringify(key)}`).join('')}`;

function columnSql(
  field: Extract<Field, { sql: string }>,
  type: string,
  value: Pick<TypedSql, 'text' | 'number' | 'boolean'>,
): TypedSql {
  const whenNull = { never: undefined, null: `'null'`, undefined: 'NULL' }[field.sqlNull];
  return {
    type: whenNull === undefined ? type : `CASE WHEN ${field.sql} IS NULL THEN ${whenNull} ELSE ${type} END`,
    ...value,
    mayBeNull: field.sqlNull === 'null',
  };
}

function jsonSql(column: string, path: string, parameters: SqlParameters): TypedSql {
  const at = `(${column}, ${parameters.bind(path)})`;
  return {
    type: `json_type${at}`,
    text: `CASE WHEN json_type${at} = 'text' THEN json_extract${at} END`,
    number: `CASE WHEN json_type${at} IN ('integer', 'real') THEN CAST(json_extract${at} AS REAL) END`,
    boolean: `CASE json_type${at} WHEN 'true' THEN 1 WHEN 'false' THEN 0 END`,
    mayBeNull: true,
  };
}

import { compileQuery, partsSql, wholesSql } from './compile-query.js';
import type { SqlValue } from './sql-parameters.js';

/** A statement with one row, whose `count` is how many rows a query has. */
export interface CountQuery {
  readonly sql: string;
  readonly parameters: readonly SqlValue[];
}

/** Translates a query to SQL that counts its rows. @throws {@link HubError} `ArgumentInvalid` with position and reason. */
export function compileCountQuery(text: string): CountQuery {
  const query = compileQuery(text);
  const rows =
    query.kind === 'groups'
      ? wholesSql(query, `(${partsSql(query)})`)
      : `SELECT 1 FROM ${query.collection.table} WHERE ${query.collection.belongs} AND ${query.condition}`;
  const limit = query.top === undefined ? '' : ` LIMIT ${query.top}`;
  return { sql: `SELECT count(*) AS count FROM (${rows}${limit})`, parameters: query.parameters };
}

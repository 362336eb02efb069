import type { Collection } from './collection.js';
import { findCollection } from './collections.js';
import { compile, compileCondition, type Scope } from './condition-compiler.js';
import { invalidQuery } from './invalid-query.js';
import { parseQuery } from './parser.js';
import type { PathExpression, Projection, Query } from './query-ast.js';
import { SqlParameters, type SqlValue } from './sql-parameters.js';
import { jsonPath } from './typed-sql.js';

/** A query whose rows are documents, whole or some values of them. */
export interface DocumentQuery {
  readonly kind: 'documents';
  readonly collection: Collection;
  /** SQL condition over a row of the collection's table. */
  readonly condition: string;
  /** Absent: whole documents. Otherwise the name of each value and where the document has it. */
  readonly columns?: readonly DocumentColumn[];
  readonly parameters: readonly SqlValue[];
  readonly top?: number;
}

export interface DocumentColumn {
  readonly name: string;
  readonly segments: readonly string[];
}

/**
 * A query whose rows are groups of documents. It is done in two steps: `parts` over some of the documents at a time, then
 * `wholes` over all that came of it.
 */
export interface AggregateQuery {
  readonly kind: 'groups';
  readonly collection: Collection;
  /** SQL condition over a row of the collection's table. */
  readonly condition: string;
  /** SQL of the columns `v0`, `v1`, … over the collection's table. */
  readonly parts: readonly string[];
  /** SQL of the columns over those: JSON text, or NULL where the value is undefined, in the order of `names`. */
  readonly wholes: readonly string[];
  /** Whether each step is grouped by `v0`. */
  readonly isGrouped: boolean;
  readonly names: readonly string[];
  readonly parameters: readonly SqlValue[];
  readonly top?: number;
}

export type CompiledQuery = DocumentQuery | AggregateQuery;

/**
 * Translates a query to SQL over its collection's table. Texts, numbers and JSON paths of the query become bound
 * parameters.
 *
 * @throws {@link HubError} ArgumentInvalid with position and reason.
 */
export function compileQuery(text: string): CompiledQuery {
  const query = parseQuery(text);
  const collection = findCollection(query.source);
  checkWhole(query, collection);
  const scope: Scope = { collection, parameters: new SqlParameters() };
  const condition = query.where ? compileCondition(query.where, scope) : '1';
  const top = query.top === undefined ? {} : { top: query.top };
  const { groupBy, projections } = query;
  if (groupBy === undefined && !projections?.some(({ value }) => value.kind === 'aggregate')) {
    const columns = projections && documentColumns(projections, collection);
    const { parameters } = scope;
    return {
      kind: 'documents',
      collection,
      condition,
      ...(columns && { columns }),
      parameters: parameters.values,
      ...top,
    };
  }
  return {
    kind: 'groups',
    collection,
    condition,
    ...groups(query, scope),
    parameters: scope.parameters.values,
    ...top,
  };
}

function checkWhole({ source, projections, groupBy }: Query, { wholeOnly }: Collection): void {
  const more = projections?.[0] ?? groupBy;
  if (wholeOnly && more !== undefined) {
    throw invalidQuery(more.position, `from ${source.segments.join('.')}, SELECT * is all that can be selected.`);
  }
}

function documentColumns(projections: readonly Projection[], collection: Collection): DocumentColumn[] {
  const columns = projections.map(({ value, alias, position }): DocumentColumn => {
    if (value.kind === 'aggregate') throw invalidQuery(position, 'an aggregate needs GROUP BY beside an attribute.');
    const { segments } = collection.resolve(value);
    return { name: alias ?? segments.at(-1) ?? '', segments };
  });
  checkNames(
    projections,
    columns.map(({ name }) => name),
  );
  return columns;
}

function groups(query: Query, scope: Scope): Pick<AggregateQuery, 'parts' | 'wholes' | 'isGrouped' | 'names'> {
  const { groupBy, projections } = query;
  if (projections === undefined) throw invalidQuery(groupBy?.position ?? 0, 'GROUP BY needs named columns, not *.');
  const group = groupBy && jsonText(groupBy, scope);
  const parts = group === undefined ? [] : [group];
  const part = (sql: string) => `v${parts.push(sql) - 1}`;
  let unnamed = 0;
  const columns = projections.map(({ value, alias, position }) => {
    if (value.kind === 'aggregate') {
      return { name: alias ?? `$${(unnamed += 1)}`, sql: aggregate(value, scope, part) };
    }
    const { segments } = scope.collection.resolve(value);
    if (group === undefined || jsonText(value, scope) !== group) {
      throw invalidQuery(position, 'beside an aggregate, SELECT can name the attribute of GROUP BY alone.');
    }
    return { name: alias ?? segments.at(-1) ?? '', sql: 'v0' };
  });
  const names = columns.map(({ name }) => name);
  checkNames(projections, names);
  return { parts, wholes: columns.map(({ sql }) => sql), isGrouped: group !== undefined, names };
}

/** SQL of the first step of a query by groups, over the rows that meet `more`, too. */
export function partsSql({ collection, condition, parts, isGrouped }: AggregateQuery, more = '1'): string {
  const list = parts.map((sql, index) => `${sql} AS v${index}`).join(', ');
  const { table, belongs } = collection;
  return `SELECT ${list} FROM ${table} WHERE ${belongs} AND ${more} AND ${condition}${isGrouped ? ' GROUP BY v0' : ''}`;
}

/** SQL of the second step, with columns `c0`, `c1`, …. @param source what the first has given: a table or a query. */
export function wholesSql({ wholes, isGrouped }: AggregateQuery, source: string): string {
  const list = wholes.map((sql, index) => `${sql} AS c${index}`).join(', ');
  return `SELECT ${list} FROM ${source}${isGrouped ? ' GROUP BY v0 ORDER BY v0' : ''}`;
}

/** @param part takes the SQL of a value over some documents. @returns SQL of the value over all of those. */
function aggregate(
  { name, operand }: Extract<Projection['value'], { kind: 'aggregate' }>,
  scope: Scope,
  part: (sql: string) => string,
): string {
  if (operand === undefined) return `json_quote(SUM(${part('COUNT(*)')}))`;
  const { text = 'NULL', number = 'NULL' } = compile(operand, scope);
  // As JavaScript has numbers: it could not even read a larger integer.
  const real = (sql: string) => part(`CAST(${sql} AS REAL)`);
  switch (name) {
    // Numbers come before texts, as in the hub's own store.
    case 'MIN':
      return quoted(`COALESCE(MIN(${real(`MIN(${number})`)}), MIN(${part(`MIN(${text})`)}))`);
    case 'MAX':
      return quoted(`COALESCE(MAX(${part(`MAX(${text})`)}), MAX(${real(`MAX(${number})`)}))`);
    case 'AVG':
      return finite(`SUM(${real(`SUM(${number})`)}) / SUM(${part(`COUNT(${number})`)})`);
    default:
      return finite(`SUM(${real(`${name}(${number})`)})`);
  }
}

/** JSON has no infinite numbers. */
const finite = (sql: string): string => quoted(`NULLIF(NULLIF(${sql}, 9e999), -9e999)`);

const quoted = (sql: string): string => `CASE WHEN ${sql} IS NOT NULL THEN json_quote(${sql}) END`;

/** SQL of an attribute's value as JSON text, NULL where it is undefined. */
function jsonText(path: PathExpression, { collection, parameters }: Scope): string {
  const { field } = collection.resolve(path);
  switch (field.kind) {
    case 'undefined':
      return 'NULL';
    case 'object':
      throw invalidQuery(path.position, `${path.segments.join('.')} is no single value; name an attribute inside it.`);
    case 'json':
      return `(${field.column} -> ${parameters.bind(jsonPath(field.path))})`;
    case 'boolean':
      return `CASE ${field.sql} WHEN 1 THEN 'true' ELSE 'false' END`;
    default:
      return field.sqlNull === 'undefined'
        ? `CASE WHEN ${field.sql} IS NOT NULL THEN json_quote(${field.sql}) END`
        : `json_quote(${field.sql})`;
  }
}

function checkNames(projections: readonly Projection[], names: readonly string[]): void {
  const seen = new Set<string>();
  for (const [index, name] of names.entries()) {
    if (seen.has(name)) {
      throw invalidQuery(
        projections[index]?.position ?? 0,
        `two columns are called ${name}; name one of them with AS.`,
      );
    }
    seen.add(name);
  }
}

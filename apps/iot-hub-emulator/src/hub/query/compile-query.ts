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

/** A query whose rows are groups of documents. */
export interface AggregateQuery {
  readonly kind: 'groups';
  /** A whole statement. Its columns are JSON text, or NULL where the value is undefined, in the order of `names`. */
  readonly sql: string;
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
  return { kind: 'groups', ...groups(query, condition, scope), parameters: scope.parameters.values, ...top };
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

function groups(query: Query, condition: string, scope: Scope): Pick<AggregateQuery, 'sql' | 'names'> {
  const { groupBy, projections } = query;
  if (projections === undefined) throw invalidQuery(groupBy?.position ?? 0, 'GROUP BY needs named columns, not *.');
  const group = groupBy && jsonText(groupBy, scope);
  let unnamed = 0;
  const columns = projections.map(({ value, alias, position }) => {
    if (value.kind === 'aggregate') {
      return { name: alias ?? `$${(unnamed += 1)}`, sql: aggregate(value, scope) };
    }
    const { segments } = scope.collection.resolve(value);
    if (group === undefined || jsonText(value, scope) !== group) {
      throw invalidQuery(position, 'beside an aggregate, SELECT can name the attribute of GROUP BY alone.');
    }
    return { name: alias ?? segments.at(-1) ?? '', sql: group };
  });
  const names = columns.map(({ name }) => name);
  checkNames(projections, names);
  const { table, belongs } = scope.collection;
  const list = columns.map(({ sql }, index) => `${sql} AS c${index}`).join(', ');
  const grouping = group === undefined ? '' : ` GROUP BY ${group} ORDER BY ${group}`;
  return { sql: `SELECT ${list} FROM ${table} WHERE ${belongs} AND ${condition}${grouping}`, names };
}

function aggregate({ name, operand }: Extract<Projection['value'], { kind: 'aggregate' }>, scope: Scope): string {
  if (operand === undefined) return 'json_quote(COUNT(*))';
  const { text = 'NULL', number = 'NULL' } = compile(operand, scope);
  switch (name) {
    // Numbers come before texts, as in the hub's own store.
    case 'MIN':
      return quoted(`COALESCE(MIN(${number}), MIN(${text}))`);
    case 'MAX':
      return quoted(`COALESCE(MAX(${text}), MAX(${number}))`);
    default:
      // JSON has no infinite numbers.
      return quoted(`NULLIF(NULLIF(${name}(${number}), 9e999), -9e999)`);
  }
}

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

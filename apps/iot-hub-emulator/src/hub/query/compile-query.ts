import { HubError } from '../errors/hub-errors.js';
import { compileCondition, compile } from './condition-compiler.js';
import { invalidQuery } from './invalid-query.js';
import { parseQuery } from './parser.js';
import type { PathExpression, Projection, Query } from './query-ast.js';
import { SqlParameters, type SqlValue } from './sql-parameters.js';
import { resolveTwinField } from './twin-collection.js';
import { jsonPath } from './typed-sql.js';

/** A query whose rows are twins, whole or some values of them. */
export interface TwinQuery {
  readonly kind: 'twins';
  /** SQL condition over a row of `devices`. */
  readonly condition: string;
  /** Absent: whole twins. Otherwise the name of each value and where the twin document has it. */
  readonly columns?: readonly TwinColumn[];
  readonly parameters: readonly SqlValue[];
  readonly top?: number;
}

export interface TwinColumn {
  readonly name: string;
  readonly segments: readonly string[];
}

/** A query whose rows are groups of twins. */
export interface AggregateQuery {
  readonly kind: 'groups';
  /** A whole statement. Its columns are JSON text, or NULL where the value is undefined, in the order of `names`. */
  readonly sql: string;
  readonly names: readonly string[];
  readonly parameters: readonly SqlValue[];
  readonly top?: number;
}

export type CompiledQuery = TwinQuery | AggregateQuery;

/**
 * Translates a query to SQL over the table `devices`. Texts, numbers and JSON paths of the query become bound parameters.
 *
 * @throws {@link HubError} ArgumentInvalid with position and reason; NotImplemented for a collection other than `devices`.
 */
export function compileQuery(text: string): CompiledQuery {
  const query = parseQuery(text);
  checkSource(query.source);
  const parameters = new SqlParameters();
  const condition = query.where ? compileCondition(query.where, parameters) : '1';
  const top = query.top === undefined ? {} : { top: query.top };
  if (query.groupBy === undefined && !query.projections?.some(({ value }) => value.kind === 'aggregate')) {
    const columns = query.projections && twinColumns(query.projections);
    return { kind: 'twins', condition, ...(columns && { columns }), parameters: parameters.values, ...top };
  }
  return { kind: 'groups', ...groups(query, condition, parameters), parameters: parameters.values, ...top };
}

function checkSource({ segments, position }: PathExpression): void {
  const source = segments.join('.').toLowerCase();
  if (source === 'devices') return;
  if (source === 'devices.modules' || source === 'devices.jobs') {
    throw new HubError('NotImplemented', `Queries over ${source} are not implemented; devices is.`);
  }
  throw invalidQuery(position, `there is no collection ${segments.join('.')}; use devices.`);
}

function twinColumns(projections: readonly Projection[]): TwinColumn[] {
  const columns = projections.map(({ value, alias, position }): TwinColumn => {
    if (value.kind === 'aggregate') throw invalidQuery(position, 'an aggregate needs GROUP BY beside an attribute.');
    const { segments } = resolveTwinField(value.segments);
    return { name: alias ?? segments.at(-1) ?? '', segments };
  });
  checkNames(
    projections,
    columns.map(({ name }) => name),
  );
  return columns;
}

function groups(query: Query, condition: string, parameters: SqlParameters): Pick<AggregateQuery, 'sql' | 'names'> {
  const { groupBy, projections } = query;
  if (projections === undefined) throw invalidQuery(groupBy?.position ?? 0, 'GROUP BY needs named columns, not *.');
  const group = groupBy && jsonText(groupBy, parameters);
  let unnamed = 0;
  const columns = projections.map(({ value, alias, position }) => {
    if (value.kind === 'aggregate') {
      return { name: alias ?? `$${(unnamed += 1)}`, sql: aggregate(value, parameters) };
    }
    const { segments } = resolveTwinField(value.segments);
    if (group === undefined || jsonText(value, parameters) !== group) {
      throw invalidQuery(position, 'beside an aggregate, SELECT can name the attribute of GROUP BY alone.');
    }
    return { name: alias ?? segments.at(-1) ?? '', sql: group };
  });
  const names = columns.map(({ name }) => name);
  checkNames(projections, names);
  const list = columns.map(({ sql }, index) => `${sql} AS c${index}`).join(', ');
  const grouping = group === undefined ? '' : ` GROUP BY ${group} ORDER BY ${group}`;
  return { sql: `SELECT ${list} FROM devices WHERE ${condition}${grouping}`, names };
}

function aggregate(
  { name, operand }: Extract<Projection['value'], { kind: 'aggregate' }>,
  parameters: SqlParameters,
): string {
  if (operand === undefined) return 'json_quote(COUNT(*))';
  const { text = 'NULL', number = 'NULL' } = compile(operand, parameters);
  switch (name) {
    // Numbers come before texts, as in the hub's own store.
    case 'MIN':
      return quoted(`COALESCE(MIN(${number}), MIN(${text}))`);
    case 'MAX':
      return quoted(`COALESCE(MAX(${text}), MAX(${number}))`);
    default:
      return quoted(`${name}(${number})`);
  }
}

const quoted = (sql: string): string => `CASE WHEN ${sql} IS NOT NULL THEN json_quote(${sql}) END`;

/** SQL of an attribute's value as JSON text, NULL where it is undefined. */
function jsonText({ segments, position }: PathExpression, parameters: SqlParameters): string {
  const { field } = resolveTwinField(segments);
  switch (field.kind) {
    case 'undefined':
      return 'NULL';
    case 'object':
      throw invalidQuery(position, `${segments.join('.')} is no single value; name an attribute inside it.`);
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

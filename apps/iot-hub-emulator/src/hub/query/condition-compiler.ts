import type { Collection } from './collection.js';
import type { ConstantValue, Expression } from './query-ast.js';
import { isTypeTest, type TypeTest } from './query-functions.js';
import type { SqlParameters } from './sql-parameters.js';
import { computedBoolean, computedNumber, constantSql, fieldSql, UNDEFINED, type TypedSql } from './typed-sql.js';

/** What names in an expression stand for, and the values of the statement it becomes a part of. */
export interface Scope {
  readonly collection: Collection;
  readonly parameters: SqlParameters;
}

type Node<Kind extends Expression['kind']> = Extract<Expression, { kind: Kind }>;

/** What `json_type` says of values that pass a test. */
const TYPES: Record<Exclude<TypeTest, 'IS_DEFINED'>, string> = {
  IS_ARRAY: `'array'`,
  IS_BOOL: `'true', 'false'`,
  IS_NULL: `'null'`,
  IS_NUMBER: `'integer', 'real'`,
  IS_OBJECT: `'object'`,
  IS_PRIMITIVE: `'text', 'true', 'false', 'integer', 'real', 'null'`,
  IS_STRING: `'text'`,
};

/**
 * SQL that is 1 where the condition is true, 0 where it is false, NULL where it is undefined.
 *
 * Undefined behaves as SQL's own NULL in AND, OR and NOT. A comparison is undefined if a side is undefined, an object or
 * an array, or if the types differ; one exception is made: `=` and `!=` tell null apart from every other defined value
 * of an attribute.
 * A constant other than true is not true. Everything that came from the query's text is a bound parameter.
 */
export const compileCondition = (condition: Expression, scope: Scope): string =>
  compile(condition, scope).boolean ?? 'NULL';

/** SQL of any value of the language, for every type it may have. */
export function compile(expression: Expression, scope: Scope): TypedSql {
  switch (expression.kind) {
    case 'constant':
      return constantSql(expression.value, scope.parameters);
    case 'path':
      return fieldSql(scope.collection.resolve(expression).field, scope.parameters);
    case 'not':
      return computedBoolean(`(NOT ${compileCondition(expression.operand, scope)})`);
    case 'and':
    case 'or': {
      const operands = expression.operands.map((operand) => compileCondition(operand, scope));
      return computedBoolean(balanced(operands, expression.kind === 'and' ? 'AND' : 'OR'));
    }
    case 'comparison':
      return computedBoolean(comparison(expression, scope));
    case 'arithmetic':
      return computedNumber(arithmetic(expression, scope));
    case 'membership':
      return computedBoolean(membership(expression, scope));
    case 'call':
      return computedBoolean(call(expression, scope));
  }
}

/** Parentheses by halves: SQLite limits the depth of an expression, and a flat chain is as deep as it is long. */
function balanced(operands: readonly string[], operator: 'AND' | 'OR'): string {
  const [only] = operands;
  if (operands.length <= 1) return only ?? 'NULL';
  const half = Math.ceil(operands.length / 2);
  return `(${balanced(operands.slice(0, half), operator)} ${operator} ${balanced(operands.slice(half), operator)})`;
}

function comparison({ operator, left, right }: Node<'comparison'>, scope: Scope): string {
  const a = compile(left, scope);
  const b = compile(right, scope);
  const pairs: string[] = [];
  if (a.text !== undefined && b.text !== undefined) pairs.push(`(${a.text} ${operator} ${b.text})`);
  if (a.number !== undefined && b.number !== undefined) pairs.push(`(${a.number} ${operator} ${b.number})`);
  if (operator === '=' || operator === '!=') {
    if (a.boolean !== undefined && b.boolean !== undefined) pairs.push(`(${a.boolean} ${operator} ${b.boolean})`);
    if ((a.mayBeNull || b.mayBeNull) && !a.computed && !b.computed) {
      pairs.push(`CASE WHEN 'null' IN (${a.type}, ${b.type}) THEN ${a.type} ${operator} ${b.type} END`);
    }
  }
  return firstDefined(pairs);
}

function arithmetic({ operator, left, right }: Node<'arithmetic'>, scope: Scope): string {
  const a = compile(left, scope).number;
  const b = compile(right, scope).number;
  if (a === undefined || b === undefined) return 'NULL';
  // SQLite's % works on whole numbers only.
  return operator === '%' ? `mod(${a}, ${b})` : `(${a} ${operator} ${b})`;
}

function membership({ negated, operand, items }: Node<'membership'>, scope: Scope): string {
  const value = compile(operand, scope);
  const isIn = value.computed ? computedIsIn(value, items, scope) : leafIsIn(value, items, scope);
  return negated ? `(NOT ${isIn})` : isIn;
}

function leafIsIn(value: TypedSql, items: readonly ConstantValue[], scope: Scope): string {
  const found: string[] = [];
  const add = (sql: string | undefined, values: readonly ConstantValue[]) => {
    if (sql !== undefined && values.length > 0) found.push(`COALESCE(${sql} IN ${listSql(values, scope)}, 0)`);
  };
  add(
    value.text,
    items.filter((item) => typeof item === 'string'),
  );
  add(
    value.number,
    items.filter((item) => typeof item === 'number'),
  );
  for (const item of [true, false, null]) {
    if (items.includes(item)) found.push(`COALESCE(${value.type} = '${item}', 0)`);
  }
  return `CASE WHEN ${value.type} IS NOT NULL THEN ${found.length === 0 ? '0' : balanced(found, 'OR')} END`;
}

function computedIsIn(value: TypedSql, items: readonly ConstantValue[], scope: Scope): string {
  const sql = value.number ?? value.boolean ?? 'NULL';
  const wanted = value.number === undefined ? 'boolean' : 'number';
  const values = items.filter((item) => typeof item === wanted).map(Number);
  // An empty list is left to CASE: in SQLite nothing, NULL included, is in an empty list.
  return values.length === 0 ? `CASE WHEN ${sql} IS NOT NULL THEN 0 END` : `(${sql} IN ${listSql(values, scope)})`;
}

/** A list as one bound parameter. */
const listSql = (values: readonly ConstantValue[], scope: Scope): string =>
  `(SELECT value FROM json_each(${scope.parameters.bind(JSON.stringify(values))}))`;

function call({ name, operands }: Node<'call'>, scope: Scope): string {
  const [first = UNDEFINED, second = UNDEFINED] = operands.map((operand) => compile(operand, scope));
  return isTypeTest(name) ? typeTest(name, first) : textTest(name, first, second);
}

const typeTest = (test: TypeTest, { type }: TypedSql): string =>
  test === 'IS_DEFINED' ? `(${type} IS NOT NULL)` : `COALESCE(${type} IN (${TYPES[test]}), 0)`;

function textTest(test: string, { text: a }: TypedSql, { text: b }: TypedSql): string {
  if (a === undefined || b === undefined) return 'NULL';
  // By bytes: SQLite's length() of a text ends at a NUL character. UTF-8 has no false match inside a character.
  const whole = `CAST(${a} AS BLOB)`;
  const wanted = `CAST(${b} AS BLOB)`;
  const start = test === 'STARTSWITH' ? '1' : `max(1, length(${whole}) - length(${wanted}) + 1)`;
  return `(substr(${whole}, ${start}, length(${wanted})) = ${wanted})`;
}

/** Each fragment is NULL unless both sides are of its type, so at most one of them says anything. */
function firstDefined(fragments: readonly string[]): string {
  if (fragments.length > 1) return `COALESCE(${fragments.join(', ')})`;
  return fragments[0] ?? 'NULL';
}

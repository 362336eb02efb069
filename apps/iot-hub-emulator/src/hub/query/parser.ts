import { invalidQuery } from './invalid-query.js';
import type {
  AggregateName,
  ArithmeticOperator,
  ConstantExpression,
  ConstantValue,
  EqualityOperator,
  Expression,
  OrderOperator,
  PathExpression,
  Projection,
  Query,
  TextTest,
  TypeTest,
} from './query-ast.js';
import { MAX_LIST_ITEMS, MAX_PROJECTIONS, MAX_QUERY_DEPTH } from './query-limits.js';
import { TokenReader } from './token-reader.js';

const AGGREGATES = new Set<AggregateName>(['COUNT', 'AVG', 'SUM', 'MIN', 'MAX']);
const TYPE_TESTS = new Set<TypeTest>([
  'IS_ARRAY',
  'IS_BOOL',
  'IS_DEFINED',
  'IS_NULL',
  'IS_NUMBER',
  'IS_OBJECT',
  'IS_PRIMITIVE',
  'IS_STRING',
]);
const TEXT_TESTS = new Set<TextTest>(['STARTSWITH', 'ENDSWITH']);

/**
 * Functions a message route has and a twin query has not, with the twin query's own where there is one. The hub was seen
 * to refuse them: https://github.com/MicrosoftDocs/azure-docs/issues/110329 (STARTS_WITH), …/issues/105649 (CONTAINS).
 */
const ROUTE_FUNCTIONS = new Map([
  ['STARTS_WITH', ' In a query it is called STARTSWITH.'],
  ['ENDS_WITH', ' In a query it is called ENDSWITH.'],
  ...'ABS AS_NUMBER CEILING CONCAT CONTAINS EXP FLOOR INDEX_OF LENGTH LOWER POWER SIGN SQRT SQUARE SUBSTRING UPPER'
    .split(' ')
    .map((name): [string, string] => [name, '']),
]);

const COMPARISONS = new Set<EqualityOperator | OrderOperator>(['=', '!=', '<', '<=', '>', '>=']);

/**
 * The syntax tree of a query.
 *
 * @throws {@link HubError} ArgumentInvalid with position and reason.
 * @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-query-language
 */
export function parseQuery(text: string): Query {
  return new Parser(text).query();
}

class Parser extends TokenReader {
  private depth = 0;

  query(): Query {
    this.expectKeyword('SELECT');
    const top = this.takeKeyword('TOP') ? this.topCount() : undefined;
    const projections = this.takePunctuation('*') ? undefined : this.projections();
    this.expectKeyword('FROM');
    const source = this.path('the name of a collection, such as devices');
    const where = this.takeKeyword('WHERE') ? this.expression() : undefined;
    const groupBy = this.takeKeyword('GROUP') ? this.groupBy() : undefined;
    if (this.token.kind !== 'end') throw this.unexpected('the end of the query');
    return {
      ...(top !== undefined && { top }),
      ...(projections && { projections }),
      source,
      ...(where && { where }),
      ...(groupBy && { groupBy }),
    };
  }

  private topCount(): number {
    const { token } = this;
    if (token.kind !== 'number' || !Number.isSafeInteger(token.value) || token.value < 1) {
      throw invalidQuery(token.position, 'TOP needs a whole number from 1.');
    }
    this.next += 1;
    return token.value;
  }

  private groupBy(): PathExpression {
    this.expectKeyword('BY');
    const path = this.path('the name of an attribute');
    if (this.isPunctuation(',')) throw invalidQuery(this.token.position, 'GROUP BY takes one attribute.');
    return path;
  }

  private projections(): Projection[] {
    const projections: Projection[] = [];
    do {
      if (projections.length === MAX_PROJECTIONS) {
        throw invalidQuery(this.token.position, `SELECT takes at most ${MAX_PROJECTIONS} columns.`);
      }
      projections.push(this.projection());
    } while (this.takePunctuation(','));
    return projections;
  }

  private projection(): Projection {
    const { position } = this.token;
    const value = this.isCall() ? this.aggregate() : this.path('*, an attribute or an aggregate');
    if (!this.takeKeyword('AS')) return { value, position };
    const { token } = this;
    const [alias, ...more] = this.path('a name for the column').segments;
    if (more.length > 0) throw invalidQuery(token.position, 'the name of a column has no dots.');
    return { value, alias, position };
  }

  private aggregate(): Projection['value'] {
    const { position } = this.token;
    const name = this.functionName();
    if (!isOneOf(AGGREGATES, name)) {
      throw invalidQuery(position, `${name} is no aggregate; SELECT knows COUNT, AVG, SUM, MIN and MAX.`);
    }
    const operand = name === 'COUNT' ? undefined : this.path('the name of an attribute');
    this.expectPunctuation(')');
    return { kind: 'aggregate', name, ...(operand && { operand }) };
  }

  private expression(): Expression {
    return this.nested(() => this.chain('or', 'OR', () => this.chain('and', 'AND', () => this.negation())));
  }

  private chain(kind: 'and' | 'or', keyword: string, operand: () => Expression): Expression {
    const first = operand();
    if (!this.isKeyword(keyword)) return first;
    const operands = [first];
    while (this.takeKeyword(keyword)) operands.push(operand());
    return { kind, operands };
  }

  private negation(): Expression {
    if (!this.takeKeyword('NOT')) return this.comparison();
    return this.nested(() => ({ kind: 'not', operand: this.negation() }));
  }

  private comparison(): Expression {
    const left = this.sum();
    if (this.isKeyword('IN') || this.isKeyword('NIN')) {
      const negated = this.isKeyword('NIN');
      this.next += 1;
      return { kind: 'membership', negated, operand: left, items: this.list() };
    }
    const operator = this.punctuation();
    if (!isOneOf(COMPARISONS, operator)) return left;
    this.next += 1;
    return { kind: 'comparison', operator, left, right: this.sum() };
  }

  private sum(): Expression {
    return this.arithmetic(['+', '-'], () => this.arithmetic(['*', '/', '%'], () => this.operand()));
  }

  private arithmetic(operators: readonly ArithmeticOperator[], operand: () => Expression): Expression {
    let left = operand();
    let length = 0;
    for (;;) {
      const operator = operators.find((candidate) => this.isPunctuation(candidate));
      if (operator === undefined) return left;
      if (this.depth + (length += 1) > MAX_QUERY_DEPTH) throw this.tooDeep();
      this.next += 1;
      left = { kind: 'arithmetic', operator, left, right: operand() };
    }
  }

  private operand(): Expression {
    if (this.takePunctuation('(')) {
      const inner = this.expression();
      this.expectPunctuation(')');
      return inner;
    }
    if (this.isCall()) return this.call();
    return this.constant() ?? this.path('an attribute, a constant or a function');
  }

  private call(): Expression {
    const { position } = this.token;
    const name = this.functionName();
    if (isOneOf(TYPE_TESTS, name)) return this.typeTest(name);
    if (isOneOf(TEXT_TESTS, name)) {
      const text = this.expression();
      this.expectPunctuation(',');
      const part = this.expression();
      this.expectPunctuation(')');
      return { kind: 'textTest', test: name, text, part };
    }
    if (isOneOf(AGGREGATES, name)) throw invalidQuery(position, `the aggregate ${name} can stand in SELECT alone.`);
    const hint = ROUTE_FUNCTIONS.get(name);
    throw invalidQuery(
      position,
      hint === undefined
        ? `there is no function ${name}.`
        : `the function ${name} belongs to message routes, queries do not have it.${hint}`,
    );
  }

  private typeTest(test: TypeTest): Expression {
    const { position } = this.token;
    const operand = this.expression();
    if (test === 'IS_DEFINED' && operand.kind !== 'path') {
      throw invalidQuery(position, 'IS_DEFINED takes the name of an attribute.');
    }
    this.expectPunctuation(')');
    return { kind: 'typeTest', test, operand };
  }

  private list(): ConstantValue[] {
    if (!this.takePunctuation('[')) throw this.unexpected("a list of constants, such as ['a', 'b']");
    const items: ConstantValue[] = [];
    do {
      if (items.length === MAX_LIST_ITEMS) {
        throw invalidQuery(this.token.position, `a list has at most ${MAX_LIST_ITEMS} values.`);
      }
      const item = this.constant();
      if (item === undefined) throw this.unexpected('a constant');
      items.push(item.value);
    } while (this.takePunctuation(','));
    this.expectPunctuation(']');
    return items;
  }

  private constant(): ConstantExpression | undefined {
    const { token } = this;
    if (token.kind === 'text' || token.kind === 'number') {
      this.next += 1;
      return { kind: 'constant', value: token.value };
    }
    if (this.isPunctuation('-')) {
      const number = this.following;
      if (number?.kind !== 'number') return undefined;
      this.next += 2;
      return { kind: 'constant', value: -number.value };
    }
    if (this.takeKeyword('TRUE')) return { kind: 'constant', value: true };
    if (this.takeKeyword('FALSE')) return { kind: 'constant', value: false };
    if (this.takeKeyword('NULL')) return { kind: 'constant', value: null };
    if (this.takeKeyword('UNDEFINED')) return { kind: 'constant', value: undefined };
    return undefined;
  }

  /** Reads `NAME (` and returns the name in upper case. */
  private functionName(): string {
    const name = this.keyword() ?? '';
    this.next += 2;
    return name;
  }

  private nested<T>(read: () => T): T {
    if ((this.depth += 1) > MAX_QUERY_DEPTH) throw this.tooDeep();
    const result = read();
    this.depth -= 1;
    return result;
  }

  private tooDeep(): Error {
    return invalidQuery(this.token.position, `a condition is nested at most ${MAX_QUERY_DEPTH} levels deep.`);
  }
}

function isOneOf<Name extends string>(names: ReadonlySet<Name>, name: string): name is Name {
  return (names as ReadonlySet<string>).has(name);
}

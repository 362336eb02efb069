import { invalidQuery } from './invalid-query.js';
import type { ArithmeticOperator, ConstantValue, EqualityOperator, Expression, OrderOperator } from './query-ast.js';
import { MAX_LIST_ITEMS, MAX_QUERY_DEPTH } from './query-limits.js';
import { TokenReader } from './token-reader.js';

const COMPARISONS: ReadonlySet<string> = new Set<EqualityOperator | OrderOperator>(['=', '!=', '<', '<=', '>', '>=']);

/** What a function takes. */
export interface FunctionSignature {
  /** How many arguments. */
  readonly parameters: readonly [least: number, most: number];
  /** Set when its argument must be a name: it asks about what is named, not about a value. */
  readonly takesName?: true;
}

/**
 * Reads expressions as queries and conditions of routes have them in common. Each language has functions and names of
 * its own.
 *
 * @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-query-language#expressions-and-conditions
 */
export abstract class ExpressionReader extends TokenReader {
  private depth = 0;

  /** What a name stands for here, with its article, as in `an attribute`. */
  protected abstract readonly nameKind: string;

  /** The function of a name in upper case. @throws {@link HubError} ArgumentInvalid when the language has none such. */
  protected abstract functionNamed(name: string, position: number): FunctionSignature;

  protected expression(): Expression {
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
    if (!isComparison(operator)) return left;
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
    const constant = this.constant();
    if (constant !== undefined) return { kind: 'constant', ...constant };
    return this.path(`${this.nameKind}, a constant or a function`);
  }

  private call(): Expression {
    const { position } = this.token;
    const name = this.functionName();
    const { parameters, takesName } = this.functionNamed(name, position);
    const operands: Expression[] = [];
    const operandPosition = this.token.position;
    if (!this.isPunctuation(')')) {
      do operands.push(this.expression());
      while (this.takePunctuation(','));
    }
    this.expectPunctuation(')');
    const [least, most] = parameters;
    if (operands.length < least || operands.length > most) {
      const wanted = least === most ? String(least) : `${least} to ${most}`;
      throw invalidQuery(position, `${name} takes ${wanted} arguments, not ${operands.length}.`);
    }
    if (takesName && operands[0]?.kind !== 'path') {
      throw invalidQuery(operandPosition, `${name} takes the name of ${this.nameKind}.`);
    }
    return { kind: 'call', name, operands };
  }

  /** Reads `NAME (` and returns the name in upper case. */
  protected functionName(): string {
    const name = this.keyword() ?? '';
    this.next += 2;
    return name;
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

  private constant(): { readonly value: ConstantValue } | undefined {
    const { token } = this;
    if (token.kind === 'text' || token.kind === 'number') {
      this.next += 1;
      return { value: token.value };
    }
    if (this.isPunctuation('-')) {
      const number = this.following;
      if (number?.kind !== 'number') return undefined;
      this.next += 2;
      return { value: -number.value };
    }
    if (this.takeKeyword('TRUE')) return { value: true };
    if (this.takeKeyword('FALSE')) return { value: false };
    if (this.takeKeyword('NULL')) return { value: null };
    if (this.takeKeyword('UNDEFINED')) return { value: undefined };
    return undefined;
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

const isComparison = (operator: string): operator is EqualityOperator | OrderOperator => COMPARISONS.has(operator);

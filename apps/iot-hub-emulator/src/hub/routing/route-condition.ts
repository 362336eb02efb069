import { invalidQuery } from '../query/invalid-query.js';
import { MAX_LIST_ITEMS, MAX_QUERY_DEPTH } from '../query/query-limits.js';
import { TokenReader } from '../query/token-reader.js';
import { tokenize } from '../query/tokenizer.js';
import type { JsonValue } from '../json.js';
import { ROUTE_FUNCTIONS } from './route-functions.js';
import { readRouteName } from './route-names.js';
import { allOf, anyOf, calculate, compareValues, valueAt, type RouteValue } from './route-values.js';

/** What a condition may ask of a message. */
export interface RouteFacts {
  /** By its name in any case, without `$`. */
  systemProperty(name: string): string | undefined;
  /** By its name in any case. */
  applicationProperty(name: string): string | undefined;
  /** Undefined unless content type and encoding say that it is JSON. */
  readonly body: JsonValue | undefined;
  /** `tags` and `properties` of the device's twin. */
  readonly twin: JsonValue | undefined;
}

type Evaluate = (facts: RouteFacts) => RouteValue;

/** A condition that is ready to be asked. */
export interface RouteCondition {
  /** Whether it is true of a message; undefined is not. */
  readonly holds: (facts: RouteFacts) => boolean;
  /** Set when the answer is the same for every message. */
  readonly constant?: boolean;
}

const COMPARISONS: ReadonlySet<string> = new Set(['=', '!=', '<', '<=', '>', '>=']);

/**
 * Reads a route's condition. Bare names are application properties, all of them texts; `$name` is a system property or,
 * failing that, an application property so called; `$body.…` and `$twin.…` are paths in JSON.
 *
 * @throws {@link HubError} ArgumentInvalid with position and reason.
 * @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-routing-query-syntax
 */
export function readRouteCondition(text: string): RouteCondition {
  const constant = /^\s*(true|false)\s*$/i.exec(text)?.[1]?.toLowerCase();
  if (constant !== undefined) return { holds: () => constant === 'true', constant: constant === 'true' };
  const evaluate = new ConditionReader(text).condition();
  return { holds: (facts) => evaluate(facts) === true };
}

class ConditionReader extends TokenReader {
  private depth = 0;

  constructor(text: string) {
    super(text, tokenize(text, readRouteName));
  }

  condition(): Evaluate {
    const evaluate = this.expression();
    if (this.token.kind !== 'end') throw this.unexpected('the end of the condition');
    return evaluate;
  }

  protected override unexpected(wanted: string): Error {
    const { token, following } = this;
    const rest = this.text.slice(token.position, following?.position ?? this.text.length).trim();
    const found = token.kind === 'end' ? 'the end of the condition' : `"${rest}"`;
    return invalidQuery(token.position, `expected ${wanted}, found ${found}.`);
  }

  private expression(): Evaluate {
    return this.nested(() => this.chain('OR', anyOf, () => this.chain('AND', allOf, () => this.negation())));
  }

  private chain(
    keyword: string,
    combine: (values: Iterable<RouteValue>) => RouteValue,
    operand: () => Evaluate,
  ): Evaluate {
    const first = operand();
    if (!this.isKeyword(keyword)) return first;
    const operands = [first];
    while (this.takeKeyword(keyword)) operands.push(operand());
    return (facts) => combine(lazily(operands, facts));
  }

  private negation(): Evaluate {
    if (!this.takeKeyword('NOT')) return this.comparison();
    const operand = this.nested(() => this.negation());
    return (facts) => {
      const value = operand(facts);
      return typeof value === 'boolean' ? !value : undefined;
    };
  }

  private comparison(): Evaluate {
    const left = this.sum();
    if (this.isKeyword('IN') || this.isKeyword('NIN')) return this.membership(left);
    const operator = this.punctuation();
    if (!COMPARISONS.has(operator)) return left;
    this.next += 1;
    const right = this.sum();
    return (facts) => compareValues(operator, left(facts), right(facts));
  }

  private membership(operand: Evaluate): Evaluate {
    const negated = this.isKeyword('NIN');
    this.next += 1;
    if (!this.takePunctuation('[')) throw this.unexpected("a list of constants, such as ['a', 'b']");
    const items: RouteValue[] = [];
    do {
      if (items.length === MAX_LIST_ITEMS) {
        throw invalidQuery(this.token.position, `a list has at most ${MAX_LIST_ITEMS} values.`);
      }
      const item = this.constant();
      if (item === undefined) throw this.unexpected('a constant');
      items.push(item.value);
    } while (this.takePunctuation(','));
    this.expectPunctuation(']');
    return (facts) => {
      const value = operand(facts);
      if (value === undefined) return undefined;
      return items.some((item) => compareValues('=', value, item) === true) !== negated;
    };
  }

  private sum(): Evaluate {
    return this.arithmetic(['+', '-'], () => this.arithmetic(['*', '/', '%'], () => this.operand()));
  }

  private arithmetic(operators: readonly ('+' | '-' | '*' | '/' | '%')[], operand: () => Evaluate): Evaluate {
    let result = operand();
    let length = 0;
    for (;;) {
      const operator = operators.find((candidate) => this.isPunctuation(candidate));
      if (operator === undefined) return result;
      if (this.depth + (length += 1) > MAX_QUERY_DEPTH) throw this.tooDeep();
      this.next += 1;
      const left = result;
      const right = operand();
      result = (facts) => calculate(operator, left(facts), right(facts));
    }
  }

  private operand(): Evaluate {
    if (this.takePunctuation('(')) {
      const inner = this.expression();
      this.expectPunctuation(')');
      return inner;
    }
    if (this.isCall()) return this.call();
    const constant = this.constant();
    if (constant !== undefined) return () => constant.value;
    return reference(this.path('a property, a constant or a function').segments);
  }

  private call(): Evaluate {
    const { position } = this.token;
    const name = this.keyword() ?? '';
    const known = ROUTE_FUNCTIONS.get(name);
    if (known === undefined) throw invalidQuery(position, `there is no function ${name} in conditions of routes.`);
    this.next += 2;
    const operands: Evaluate[] = [];
    if (!this.isPunctuation(')')) {
      do operands.push(this.expression());
      while (this.takePunctuation(','));
    }
    this.expectPunctuation(')');
    const [least, most] = known.parameters;
    if (operands.length < least || operands.length > most) {
      const wanted = least === most ? String(least) : `${least} to ${most}`;
      throw invalidQuery(position, `${name} takes ${wanted} arguments, not ${operands.length}.`);
    }
    return (facts) => known.apply(operands.map((operand) => operand(facts)));
  }

  private constant(): { readonly value: RouteValue } | undefined {
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

function* lazily(operands: readonly Evaluate[], facts: RouteFacts): Iterable<RouteValue> {
  for (const operand of operands) yield operand(facts);
}

function reference([first, ...path]: readonly [string, ...string[]]): Evaluate {
  switch (first.toLowerCase()) {
    case '$body':
      // "You can't run queries or functions on the entire body reference", nor on an array at its top: undefined.
      return path.length === 0
        ? () => undefined
        : ({ body }) => (Array.isArray(body) ? undefined : valueAt(body, path));
    case '$twin':
      return path.length === 0 ? () => undefined : ({ twin }) => valueAt(twin, path);
  }
  const name = [first, ...path].join('.');
  if (!name.startsWith('$')) return (facts) => facts.applicationProperty(name);
  const systemName = name.slice(1).toLowerCase();
  return (facts) => facts.systemProperty(systemName) ?? facts.applicationProperty(name);
}

import { ExpressionReader, type FunctionSignature } from '../query/expression-reader.js';
import { invalidQuery } from '../query/invalid-query.js';
import type { Expression } from '../query/query-ast.js';
import { tokenize } from '../query/tokenizer.js';
import { routeExpression, type RouteFacts } from './route-expression.js';
import { ROUTE_FUNCTIONS } from './route-functions.js';
import { readRouteName } from './route-names.js';

/** A condition that is ready to be asked. */
export interface RouteCondition {
  /** Whether it is true of a message; undefined is not. */
  readonly holds: (facts: RouteFacts) => boolean;
  /** Set when the answer is the same for every message. */
  readonly constant?: boolean;
}

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
  const evaluate = routeExpression(new ConditionReader(text).condition());
  return { holds: (facts) => evaluate(facts) === true };
}

class ConditionReader extends ExpressionReader {
  protected override readonly nameKind = 'a property';

  constructor(text: string) {
    super(text, tokenize(text, readRouteName));
  }

  condition(): Expression {
    const condition = this.expression();
    if (this.token.kind !== 'end') throw this.unexpected('the end of the condition');
    return condition;
  }

  protected override unexpected(wanted: string): Error {
    const { token, following } = this;
    const rest = this.text.slice(token.position, following?.position ?? this.text.length).trim();
    const found = token.kind === 'end' ? 'the end of the condition' : `"${rest}"`;
    return invalidQuery(token.position, `expected ${wanted}, found ${found}.`);
  }

  protected override functionNamed(name: string, position: number): FunctionSignature {
    const known = ROUTE_FUNCTIONS.get(name);
    if (known === undefined) throw invalidQuery(position, `there is no function ${name} in conditions of routes.`);
    return known;
  }
}

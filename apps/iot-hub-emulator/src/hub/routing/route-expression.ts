import type { JsonValue } from '../json.js';
import type { Expression } from '../query/query-ast.js';
import { ROUTE_FUNCTIONS } from './route-functions.js';
import { calculate, compareValues, valueAt, type RouteValue } from './route-values.js';

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

export type Evaluate = (facts: RouteFacts) => RouteValue;

/** Makes an expression of the route language a function of the message. */
export function routeExpression(expression: Expression): Evaluate {
  switch (expression.kind) {
    case 'constant': {
      const { value } = expression;
      return () => value;
    }
    case 'path':
      return reference(expression.segments);
    case 'not': {
      const operand = routeExpression(expression.operand);
      return (facts) => {
        const value = operand(facts);
        return typeof value === 'boolean' ? !value : undefined;
      };
    }
    case 'and':
    case 'or': {
      const operands = expression.operands.map(routeExpression);
      return connective(operands, expression.kind === 'or');
    }
    case 'comparison': {
      const { operator } = expression;
      const [left, right] = [routeExpression(expression.left), routeExpression(expression.right)];
      return (facts) => compareValues(operator, left(facts), right(facts));
    }
    case 'arithmetic': {
      const { operator } = expression;
      const [left, right] = [routeExpression(expression.left), routeExpression(expression.right)];
      return (facts) => calculate(operator, left(facts), right(facts));
    }
    case 'membership': {
      const { items, negated } = expression;
      const operand = routeExpression(expression.operand);
      return (facts) => {
        const value = operand(facts);
        if (value === undefined) return undefined;
        return items.some((item) => compareValues('=', value, item) === true) !== negated;
      };
    }
    case 'call': {
      const operands = expression.operands.map(routeExpression);
      const known = ROUTE_FUNCTIONS.get(expression.name);
      if (known === undefined) throw new Error(`There is no function ${expression.name}.`);
      return (facts) => known.apply(operands.map((operand) => operand(facts)));
    }
  }
}

/** Three-valued AND or OR: one operand that is `decisive` decides, and one that is undefined leaves it open otherwise. */
function connective(operands: readonly Evaluate[], decisive: boolean): Evaluate {
  return (facts) => {
    let result: RouteValue = !decisive;
    for (const operand of operands) {
      const value = operand(facts);
      if (value === decisive) return decisive;
      if (value !== !decisive) result = undefined;
    }
    return result;
  };
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

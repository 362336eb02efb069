import type { JsonValue } from '../json.js';

/** A value of the route language. */
export type RouteValue = JsonValue | undefined;

/** Undefined if the types differ or have no order; null is equal to null alone. */
export function compareValues(operator: string, left: RouteValue, right: RouteValue): RouteValue {
  if (left === undefined || right === undefined) return undefined;
  if (operator === '=' || operator === '!=') {
    const equal = equality(left, right);
    return equal === undefined ? undefined : equal === (operator === '=');
  }
  if (typeof left === 'number' && typeof right === 'number') return inOrder(operator, left - right);
  if (typeof left === 'string' && typeof right === 'string') {
    return inOrder(operator, left < right ? -1 : left > right ? 1 : 0);
  }
  return undefined;
}

function equality(left: JsonValue, right: JsonValue): boolean | undefined {
  if (left === null || right === null) return left === right;
  if (typeof left === 'object' || typeof left !== typeof right) return undefined;
  return left === right;
}

function inOrder(operator: string, difference: number): boolean {
  switch (operator) {
    case '<':
      return difference < 0;
    case '<=':
      return difference <= 0;
    case '>':
      return difference > 0;
    default:
      return difference >= 0;
  }
}

/** Undefined unless both are numbers, and where there is no finite result. */
export function calculate(operator: string, left: RouteValue, right: RouteValue): RouteValue {
  if (typeof left !== 'number' || typeof right !== 'number') return undefined;
  switch (operator) {
    case '+':
      return finite(left + right);
    case '-':
      return finite(left - right);
    case '*':
      return finite(left * right);
    case '/':
      return finite(left / right);
    default:
      return finite(left % right);
  }
}

export const finite = (value: number): RouteValue => (Number.isFinite(value) ? value : undefined);

/**
 * The value at a path within a JSON value. Names are found in any case, as a route sees them; the exact one goes first.
 *
 * @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-routing-query-syntax
 */
export function valueAt(value: RouteValue, path: readonly string[]): RouteValue {
  let found = value;
  for (const segment of path) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = Array.isArray(found) ? itemAt(found, segment) : memberOf(found, segment);
  }
  return found;
}

/** A member of an object by its name in any case, the exact one first. */
export function memberOf<T>(object: Readonly<Record<string, T>>, name: string): T | undefined {
  if (Object.hasOwn(object, name)) return object[name];
  const wanted = name.toLowerCase();
  for (const key in object) {
    if (key.length === wanted.length && key.toLowerCase() === wanted && Object.hasOwn(object, key)) return object[key];
  }
  return undefined;
}

const itemAt = (items: readonly JsonValue[], segment: string): RouteValue =>
  /^\d+$/.test(segment) ? items[Number(segment)] : undefined;

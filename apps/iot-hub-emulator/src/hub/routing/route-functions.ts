import type { FunctionSignature } from '../query/expression-reader.js';
import { finite, type RouteValue } from './route-values.js';

/** A function of the route language. */
export interface RouteFunction extends FunctionSignature {
  readonly apply: (values: readonly RouteValue[]) => RouteValue;
}

const ofNumber = (apply: (value: number) => number): RouteFunction => ({
  parameters: [1, 1],
  apply: ([value]) => (typeof value === 'number' ? finite(apply(value)) : undefined),
});

const ofText = (apply: (text: string) => RouteValue): RouteFunction => ({
  parameters: [1, 1],
  apply: ([text]) => (typeof text === 'string' ? apply(text) : undefined),
});

const ofTexts = (apply: (text: string, part: string) => RouteValue): RouteFunction => ({
  parameters: [2, 2],
  apply: ([text, part]) => (typeof text === 'string' && typeof part === 'string' ? apply(text, part) : undefined),
});

const typeTest = (test: (value: RouteValue) => boolean): RouteFunction => ({
  parameters: [1, 1],
  apply: ([value]) => test(value),
});

const isObject = (value: RouteValue): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Functions by their names in upper case; undefined for arguments of another type than theirs.
 *
 * @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-query-language#functions
 */
export const ROUTE_FUNCTIONS: ReadonlyMap<string, RouteFunction> = new Map([
  ['ABS', ofNumber(Math.abs)],
  ['EXP', ofNumber(Math.exp)],
  ['SQUARE', ofNumber((value) => value * value)],
  ['CEILING', ofNumber(Math.ceil)],
  ['FLOOR', ofNumber(Math.floor)],
  ['SIGN', ofNumber(Math.sign)],
  ['SQRT', ofNumber(Math.sqrt)],
  [
    'POWER',
    {
      parameters: [2, 2],
      apply: ([base, exponent]) =>
        typeof base === 'number' && typeof exponent === 'number' ? finite(base ** exponent) : undefined,
    },
  ],
  [
    'AS_NUMBER',
    {
      parameters: [1, 1],
      apply: ([value]) => {
        if (typeof value === 'number') return value;
        return typeof value === 'string' && value.trim() !== '' ? finite(Number(value)) : undefined;
      },
    },
  ],
  ['IS_ARRAY', typeTest((value) => Array.isArray(value))],
  ['IS_BOOL', typeTest((value) => typeof value === 'boolean')],
  ['IS_DEFINED', typeTest((value) => value !== undefined)],
  ['IS_NULL', typeTest((value) => value === null)],
  ['IS_NUMBER', typeTest((value) => typeof value === 'number')],
  ['IS_OBJECT', typeTest(isObject)],
  ['IS_PRIMITIVE', typeTest((value) => value !== undefined && (value === null || typeof value !== 'object'))],
  ['IS_STRING', typeTest((value) => typeof value === 'string')],
  [
    'CONCAT',
    {
      parameters: [2, 100],
      apply: (values) => (values.every((value) => typeof value === 'string') ? values.join('') : undefined),
    },
  ],
  ['LENGTH', ofText((text) => text.length)],
  ['LOWER', ofText((text) => text.toLowerCase())],
  ['UPPER', ofText((text) => text.toUpperCase())],
  [
    'SUBSTRING',
    {
      parameters: [2, 3],
      apply: ([text, start, length]) => {
        if (typeof text !== 'string' || typeof start !== 'number') return undefined;
        if (length === undefined) return text.slice(start);
        return typeof length === 'number' ? text.slice(start, start + length) : undefined;
      },
    },
  ],
  ['INDEX_OF', ofTexts((text, part) => text.indexOf(part))],
  ['STARTS_WITH', ofTexts((text, part) => text.startsWith(part))],
  ['ENDS_WITH', ofTexts((text, part) => text.endsWith(part))],
  ['CONTAINS', ofTexts((text, part) => text.includes(part))],
]);

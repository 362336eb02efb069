import fc from 'fast-check';
import type { JsonObject, JsonValue } from '../src/hub/json.js';

/** A value of the query language; undefined is one. */
export type Value = JsonValue | undefined;
/** A condition as query text, with its meaning written a second time, in plain TypeScript over the twin document. */
export interface Condition {
  readonly text: string;
  readonly evaluate: (twin: JsonObject) => Value;
}

const KEYS = ['a', 'b', 'A', 'k"y', "o'k", 'x[0]', 'd-e', 'größe', '__proto__', 'back\\slash'];
const TEXTS = [
  '',
  'a',
  'ab',
  'b',
  'é',
  '\u{1F600}',
  '\uFFFD',
  'x\u0000y',
  'x\u0000',
  '5',
  'true',
  "' OR 1 = 1 --",
  '"',
  '\\',
];
const NUMBERS = [0, -1, 1, 2, 0.5, 5, 1e21, 2 ** 53, -0.25, 1e308];

const TYPE_TESTS: Readonly<Record<string, (value: Value) => boolean>> = {
  IS_DEFINED: (value) => value !== undefined,
  IS_NULL: (value) => value === null,
  IS_BOOL: (value) => typeof value === 'boolean',
  IS_NUMBER: (value) => typeof value === 'number',
  IS_STRING: (value) => typeof value === 'string',
  IS_ARRAY: (value) => Array.isArray(value),
  IS_OBJECT: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  IS_PRIMITIVE: (value) => value === null || ['boolean', 'number', 'string'].includes(typeof value),
};

const primitive = fc.oneof(fc.constantFrom(...TEXTS), fc.constantFrom(...NUMBERS), fc.boolean(), fc.constant(null));
/** Tags, desired or reported properties. */
export const properties = fc
  .array(
    fc.tuple(
      fc.constantFrom(...KEYS),
      fc.oneof(
        { weight: 6, arbitrary: primitive },
        { weight: 1, arbitrary: fc.constantFrom<JsonValue>([], [1], {}) },
        {
          weight: 2,
          arbitrary: fc
            .array(fc.tuple(fc.constantFrom(...KEYS), primitive), { maxLength: 3 })
            .map((entries): JsonValue => Object.fromEntries(entries)),
        },
      ),
    ),
    { maxLength: 6 },
  )
  .map((entries): JsonObject => Object.fromEntries(entries));

/** The name of an attribute, of any kind. */
export const path = fc
  .tuple(
    fc.constantFrom('', 'devices.', 'DEVICES.'),
    fc.oneof(
      fc.constantFrom(
        ['deviceId'],
        ['status'],
        ['statusReason'],
        ['version'],
        ['capabilities', 'iotEdge'],
        ['nothing'],
      ),
      fc.constantFrom(['x509Thumbprint', 'primaryThumbprint'], ['properties', 'reported'], ['tags']),
      fc.constantFrom(['properties', 'desired', '$version'], ['properties', 'reported', '$metadata', '$lastUpdated']),
      fc
        .tuple(fc.constantFrom(['tags'], ['properties', 'desired'], ['properties', 'reported']), keyPath())
        .map((parts) => parts.flat()),
    ),
  )
  .map(([prefix, segments]): Condition => ({
    text: prefix + segments.map((segment) => (/^[a-zA-Z$0-9]+$/.test(segment) ? segment : `[[${segment}]]`)).join('.'),
    evaluate: (twin) => segments.reduce<Value>((value, segment) => member(value, segment), twin),
  }));

function keyPath() {
  return fc.array(fc.constantFrom(...KEYS), { minLength: 1, maxLength: 2 });
}

const member = (value: Value, name: string): Value =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, name)
    ? value[name]
    : undefined;

const constant = fc.oneof({ weight: 8, arbitrary: primitive }, { weight: 1, arbitrary: fc.constant(undefined) });
/** A constant as a query writes it. */
export const constantText = (value: string | number | boolean | null | undefined): string =>
  typeof value === 'string'
    ? `'${value.replace(/['\\]/g, String.raw`\$&`).replaceAll('\u0000', String.raw`\u0000`)}'`
    : String(value);

/** A condition of the query language over device twins. */
export const { condition } = fc.letrec<{ condition: Condition; operand: Condition }>((tie) => ({
  operand: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    path,
    constant.map((value): Condition => ({ text: constantText(value), evaluate: () => value })),
    fc
      .tuple(tie('operand'), fc.constantFrom('+', '-', '*', '/', '%'), tie('operand'))
      .map(([left, operator, right]): Condition => ({
        text: `(${left.text} ${operator} ${right.text})`,
        evaluate: (twin) => arithmetic(operator, left.evaluate(twin), right.evaluate(twin)),
      })),
    tie('condition').map((inner): Condition => ({ ...inner, text: `(${inner.text})` })),
  ),
  condition: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc
      .tuple(tie('operand'), fc.constantFrom('=', '!=', '<>', '<', '<=', '>', '>='), tie('operand'))
      .map(([left, operator, right]): Condition => ({
        text: `${left.text} ${operator} ${right.text}`,
        evaluate: (twin) => compare(operator, left, right, twin),
      })),
    fc
      .tuple(tie('operand'), fc.boolean(), fc.array(constant, { minLength: 1, maxLength: 4 }))
      .map(([operand, negated, items]): Condition => ({
        text: `${operand.text} ${negated ? 'NIN' : 'in'} [${items.map(constantText).join(', ')}]`,
        evaluate(twin) {
          const value = operand.evaluate(twin);
          return value === undefined ? undefined : items.some((item) => item === value) !== negated;
        },
      })),
    fc
      .tuple(fc.constantFrom('STARTSWITH', 'EndsWith'), tie('operand'), tie('operand'))
      .map(([name, whole, part]): Condition => ({
        text: `${name}(${whole.text}, ${part.text})`,
        evaluate(twin) {
          const [a, b] = [whole.evaluate(twin), part.evaluate(twin)];
          if (typeof a !== 'string' || typeof b !== 'string') return undefined;
          return name === 'STARTSWITH' ? a.startsWith(b) : a.endsWith(b);
        },
      })),
    fc.tuple(fc.constantFrom(...Object.keys(TYPE_TESTS)), path).map(([name, operand]): Condition => ({
      text: `${name}(${operand.text})`,
      evaluate: (twin) => TYPE_TESTS[name]?.(operand.evaluate(twin)),
    })),
    tie('condition').map((inner): Condition => ({
      text: `NOT (${inner.text})`,
      evaluate(twin) {
        const value = truth(inner.evaluate(twin));
        return value === undefined ? undefined : !value;
      },
    })),
    fc
      .tuple(fc.boolean(), fc.array(tie('operand'), { minLength: 2, maxLength: 4 }))
      .map(([and, operands]): Condition => ({
        text: operands.map(({ text }) => text).join(and ? ' AND ' : ' or '),
        evaluate(twin) {
          const values = operands.map((operand) => truth(operand.evaluate(twin)));
          if (values.includes(!and)) return !and;
          return values.includes(undefined) ? undefined : and;
        },
      })),
  ),
}));

const truth = (value: Value): boolean | undefined => (typeof value === 'boolean' ? value : undefined);

function arithmetic(operator: string, left: Value, right: Value): Value {
  if (typeof left !== 'number' || typeof right !== 'number') return undefined;
  if (operator === '/' && right === 0) return undefined;
  const result = { '+': left + right, '-': left - right, '*': left * right, '/': left / right, '%': left % right }[
    operator
  ];
  return Number.isNaN(result) ? undefined : result;
}

function compare(operator: string, left: Condition, right: Condition, twin: JsonObject): Value {
  const [a, b] = [left.evaluate(twin), right.evaluate(twin)];
  if (a === undefined || b === undefined) return undefined;
  const equality = operator === '=' ? true : ['!=', '<>'].includes(operator) ? false : undefined;
  if (equality !== undefined && (a === null || b === null)) {
    if (isComputed(left) || isComputed(right)) return undefined;
    return (a === b) === equality;
  }
  if (typeof a !== typeof b || typeof a === 'object') return undefined;
  if (equality !== undefined) return (a === b) === equality;
  if (typeof a === 'boolean') return undefined;
  const order =
    typeof a === 'string' && typeof b === 'string'
      ? Buffer.compare(Buffer.from(a), Buffer.from(b))
      : Number(a) - Number(b);
  const sign = Number.isNaN(order) ? 0 : Math.sign(order);
  return { '<': sign < 0, '<=': sign <= 0, '>': sign > 0, '>=': sign >= 0 }[operator];
}

const isComputed = ({ text }: Condition): boolean => text.startsWith('(');

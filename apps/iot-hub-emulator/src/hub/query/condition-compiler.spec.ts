import fc from 'fast-check';
import { DatabaseSync } from 'node:sqlite';
import type { IdentityRow } from '../../storage/identity-row.js';
import { SCHEMA_STEPS } from '../../storage/schema.js';
import type { JsonObject, JsonValue } from '../json.js';
import { toTwin } from '../twins/twin-view.js';
import { compileQuery } from './compile-query.js';

type Value = JsonValue | undefined;
/** A condition as query text, with its meaning written a second time, in plain TypeScript over the twin document. */
interface Condition {
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
const properties = fc
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

const path = fc
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
const constantText = (value: string | number | boolean | null | undefined): string =>
  typeof value === 'string'
    ? `'${value.replace(/['\\]/g, String.raw`\$&`).replaceAll('\u0000', String.raw`\u0000`)}'`
    : String(value);

const { condition } = fc.letrec<{ condition: Condition; operand: Condition }>((tie) => ({
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

function aDatabase(twins: readonly { tags: JsonObject; desired: JsonObject; reported: JsonObject }[]): DatabaseSync {
  const database = new DatabaseSync(':memory:');
  database.exec(SCHEMA_STEPS.join(''));
  const insert = database.prepare(
    `INSERT INTO identities (device_id, generation_id, etag, twin_etag, status_reason, iot_edge, twin_version, tags, desired,
       reported, reported_metadata) VALUES (?, '1', 'e', 't', ?, ?, ?, ?, ?, ?, '{"$lastUpdated":"2026-01-01T00:00:00Z"}')`,
  );
  for (const [index, { tags, desired, reported }] of twins.entries()) {
    insert.run(
      `device${index}`,
      index % 2 === 0 ? null : 'a',
      index % 2,
      index,
      JSON.stringify(tags),
      JSON.stringify(desired),
      JSON.stringify(reported),
    );
  }
  return database;
}

function matching(database: DatabaseSync, query: string): unknown[] {
  const compiled = compileQuery(query);
  if (compiled.kind !== 'documents') throw new Error('Not a query of documents.');
  const { condition: where, parameters } = compiled;
  return database
    .prepare(`SELECT device_id FROM identities WHERE ${where} ORDER BY device_id LIMIT ?${parameters.length + 1}`)
    .all(...parameters, 100)
    .map((row) => row.device_id);
}

describe(compileQuery.name, () => {
  it('selects the twins for which a reference evaluation gives true', () => {
    let matched = 0;
    let compared = 0;
    fc.assert(
      fc.property(
        fc.array(fc.record({ tags: properties, desired: properties, reported: properties }), {
          minLength: 3,
          maxLength: 6,
        }),
        condition,
        (twins, { text, evaluate }) => {
          const database = aDatabase(twins);
          const rows = database
            .prepare('SELECT * FROM identities ORDER BY device_id')
            .all() as unknown as IdentityRow[];
          const expected = rows.filter((row) => evaluate(toTwin(row)) === true).map((row) => row.device_id);
          expect(matching(database, `SELECT * FROM devices WHERE ${text}`)).toEqual(expected);
          database.close();
          matched += expected.length;
          compared += rows.length;
        },
      ),
      { numRuns: 600 },
    );
    // The two would agree on anything if nothing ever matched.
    expect(matched).toBeGreaterThan(compared / 20);
    expect(matched).toBeLessThan(compared / 1.2);
  });

  it('keeps every text of the query out of the statement', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 3 }), fc.string({ minLength: 1 }), (marker, key) => {
        fc.pre(!marker.includes(']]') && !key.includes(']'));
        const text = `x${marker}§`;
        const compiled = compileQuery(
          `SELECT * FROM devices WHERE tags.[[${key}§]] = ${constantText(text)} OR deviceId IN [${constantText(text)}]`,
        );
        if (compiled.kind !== 'documents') throw new Error('Not a query of documents.');
        expect(compiled.condition).not.toContain('§');
        expect(compiled.parameters).toContain(text);
        expect(compiled.parameters).toContain(`$."${JSON.stringify(`${key}§`).slice(1, -1)}"`);
      }),
    );
  });

  it.each([
    ['a long AND', Array.from({ length: 600 }, () => 'tags.a=1').join(' AND ')],
    ['a long OR', `${'tags.b=2 OR '.repeat(600)}tags.a=1`],
    ['nested NOT', `${'NOT ('.repeat(22)}tags.a = 1${')'.repeat(22)}`],
    ['nested arithmetic', `${'tags.a + ('.repeat(45)}1${')'.repeat(45)} = 46`],
    ['nested comparisons', `${'true = ('.repeat(45)}tags.a = 1${')'.repeat(45)}`],
    ['nested lists', `${'('.repeat(20)}tags.a IN [1, null]${') IN [true, null]'.repeat(20)}`],
    ['nested type tests', `${'IS_BOOL('.repeat(40)}tags.a = 1${')'.repeat(40)}`],
    ['a long list', `tags.a IN [${'2,'.repeat(999)}1]`],
  ])('runs %s, in a statement not much longer than the query', (_name, text) => {
    const database = aDatabase([{ tags: { a: 1 }, desired: {}, reported: {} }]);
    const query = `SELECT * FROM devices WHERE ${text}`;
    expect(matching(database, query)).toEqual(['device0']);
    const compiled = compileQuery(query);
    expect(compiled.kind === 'documents' && compiled.condition.length).toBeLessThan(60 * query.length);
    database.close();
  });
});

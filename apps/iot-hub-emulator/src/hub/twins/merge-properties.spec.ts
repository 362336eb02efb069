import fc from 'fast-check';
import { isJsonObject, type JsonObject, type JsonValue } from '../json.js';
import { mergeProperties } from './merge-properties.js';

const name = fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor');
const json = (withNull: boolean): fc.Arbitrary<JsonObject> =>
  fc.letrec<{ value: JsonValue; object: JsonObject }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom<JsonValue>(0, 1, 'text', true, ...(withNull ? [null] : [])),
      fc.array(fc.constantFrom<JsonValue>(1, 2, { a: 1 }), { maxLength: 3 }),
      tie('object'),
    ),
    object: fc
      .array(fc.tuple(name, tie('value')), { maxLength: 4 })
      .map((members): JsonObject => Object.fromEntries(members)),
  })).object;

/** Every path to something that is no object, with what is there: another way to say what an object holds. */
function leaves(object: JsonObject, path = '', found = new Map<string, JsonValue>()): Map<string, JsonValue> {
  for (const [key, value] of Object.entries(object)) {
    if (isJsonObject(value)) leaves(value, `${path}/${key}`, found);
    else found.set(`${path}/${key}`, value);
  }
  return found;
}

describe(mergeProperties.name, () => {
  it('holds what the patch sets, keeps what the patch does not reach, and loses what it deletes', () => {
    fc.assert(
      fc.property(json(false), json(true), (current, patch) => {
        const merged = leaves(mergeProperties(current, patch));
        const set = leaves(patch);
        const reaches = (path: string) =>
          [...set.keys()].some(
            (known) => path === known || path.startsWith(`${known}/`) || known.startsWith(`${path}/`),
          );
        for (const [path, value] of set) {
          if (value === null)
            expect([...merged.keys()].filter((key) => key === path || key.startsWith(`${path}/`))).toEqual([]);
          else expect(merged.get(path)).toEqual(value);
        }
        for (const [path, value] of leaves(current)) {
          if (!reaches(path) && merged.has(path)) expect(merged.get(path)).toEqual(value);
        }
        for (const [path, value] of merged) {
          expect(set.has(path) ? set.get(path) : leaves(current).get(path)).toEqual(value);
        }
      }),
    );
  });

  it('gives the same again when a patch comes twice, and nothing of the second patch when it is empty', () => {
    fc.assert(
      fc.property(json(false), json(true), (current, patch) => {
        const once = mergeProperties(current, patch);
        expect(mergeProperties(once, patch)).toEqual(once);
        expect(mergeProperties(current, {})).toEqual(current);
      }),
    );
  });

  it('never holds a null and never changes its arguments', () => {
    fc.assert(
      fc.property(json(false), json(true), (current, patch) => {
        const before = JSON.stringify([current, patch]);
        expect([...leaves(mergeProperties(current, patch)).values()]).not.toContain(null);
        expect(JSON.stringify([current, patch])).toBe(before);
      }),
    );
  });

  it.each<[string, JsonObject, JsonObject, JsonObject]>([
    ['replaces arrays whole', { a: [1, 2, 3] }, { a: [4] }, { a: [4] }],
    ['replaces a value by an object', { a: 1 }, { a: { b: 2 } }, { a: { b: 2 } }],
    ['replaces an object by a value', { a: { b: 2 } }, { a: 1 }, { a: 1 }],
    ['deletes within objects', { a: { b: 1, c: 2 } }, { a: { b: null } }, { a: { c: 2 } }],
    ['drops nulls of new objects', {}, { a: { b: null, c: 1 } }, { a: { c: 1 } }],
  ])('%s', (_rule, current, patch, expected) => {
    expect(mergeProperties(current, patch)).toEqual(expected);
  });

  it('takes __proto__ for a member like any other', () => {
    const merged = mergeProperties({}, JSON.parse('{"__proto__":{"polluted":true}}') as JsonObject);
    expect(JSON.stringify(merged)).toBe('{"__proto__":{"polluted":true}}');
    expect(({} as JsonObject).polluted).toBeUndefined();
  });
});

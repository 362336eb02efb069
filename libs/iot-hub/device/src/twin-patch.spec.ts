import fc from 'fast-check';
import { applyTwinPatch, combineTwinPatches, type TwinProperties } from './twin-patch.js';

describe(applyTwinPatch.name, () => {
  it.each<[string, TwinProperties, TwinProperties, TwinProperties]>([
    ['adds and replaces', { a: 1 }, { a: 2, b: 3 }, { a: 2, b: 3 }],
    ['removes by null', { a: 1, b: { c: 1, d: 2 } }, { a: null, b: { c: null } }, { b: { d: 2 } }],
    ['keeps no null of a new object', {}, { a: { b: null, c: 1 } }, { a: { c: 1 } }],
    ['replaces lists', { a: [1, 2, 3] }, { a: [4] }, { a: [4] }],
    ['replaces a value by an object', { a: 1 }, { a: { b: 1 } }, { a: { b: 1 } }],
    [
      'takes a name that objects have already',
      {},
      JSON.parse('{"__proto__":{"x":1}}'),
      JSON.parse('{"__proto__":{"x":1}}'),
    ],
  ])('%s', (_what, properties, patch, result) => {
    expect(applyTwinPatch(properties, patch)).toEqual(result);
    expect(Object.keys(applyTwinPatch(properties, patch))).toEqual(Object.keys(result));
  });
});

describe(combineTwinPatches.name, () => {
  const patches = fc.letrec<{ value: unknown; patch: TwinProperties }>((tie) => ({
    value: fc.oneof({ maxDepth: 3 }, fc.constant(null), fc.nat(9), fc.array(fc.nat(9), { maxLength: 2 }), tie('patch')),
    patch: fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('value'), { maxKeys: 3 }),
  })).patch;

  const isObject = (value: unknown): value is TwinProperties =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  const putsObjectInPlace = (first: TwinProperties, second: TwinProperties): boolean =>
    Object.entries(second).some(([name, after]) => {
      const before = first[name];
      return name in first && isObject(after) && (!isObject(before) || putsObjectInPlace(before, after));
    });

  it('does in one patch what two do', () => {
    fc.assert(
      fc.property(patches, patches, patches, (start, first, second) => {
        fc.pre(!putsObjectInPlace(first, second));
        const twin = applyTwinPatch({}, start);
        expect(applyTwinPatch(twin, combineTwinPatches(first, second))).toEqual(
          applyTwinPatch(applyTwinPatch(twin, first), second),
        );
      }),
    );
  });
});

import fc from 'fast-check';
import { type BagProperty, decodePropertyBag, encodePropertyBag } from './property-bag.js';

const table: [name: string, text: string, properties: BagProperty[]][] = [
  ['nothing', '', []],
  ['one property', 'a=1', [['a', '1']]],
  [
    'an encoded system property, as the Node SDK writes it',
    '%24.mid=m1&%24.ct=application%2Fjson',
    [
      ['$.mid', 'm1'],
      ['$.ct', 'application/json'],
    ],
  ],
  [
    'an unencoded system property, as by hand',
    '$.ct=application/json&$.ce=utf-8',
    [
      ['$.ct', 'application/json'],
      ['$.ce', 'utf-8'],
    ],
  ],
  [
    'a key alone: null',
    'a&b=',
    [
      ['a', null],
      ['b', ''],
    ],
  ],
  ['an equals sign in the value', 'a=b=c', [['a', 'b=c']]],
  [
    'doubled and trailing ampersands',
    '&a=1&&b=2&',
    [
      ['a', '1'],
      ['b', '2'],
    ],
  ],
  ['plus stays plus', 'a=1%2B1', [['a', '1+1']]],
  ['text beyond ASCII', '%C3%A9t%C3%A9=%E2%98%80', [['été', '☀']]],
  ['a name that objects have too', '__proto__=x', [['__proto__', 'x']]],
];

describe(decodePropertyBag.name, () => {
  it.each(table)('reads %s', (_name, text, properties) => {
    expect(decodePropertyBag(text)).toEqual(properties);
  });

  it.each(['a=%', 'a=%2', 'a=%zz', '%C3=1', 'a=%FF'])('refuses broken percent encoding: %s', (text) => {
    expect(decodePropertyBag(text)).toBeUndefined();
  });
});

describe(encodePropertyBag.name, () => {
  const property = fc.tuple(fc.string({ minLength: 1, unit: 'grapheme' }), fc.option(fc.string({ unit: 'grapheme' })));

  it('writes what is read back the same', () => {
    fc.assert(
      fc.property(fc.array(property), (properties) => {
        expect(decodePropertyBag(encodePropertyBag(properties))).toEqual(properties);
      }),
    );
  });

  it('never writes what would break a topic', () => {
    fc.assert(
      fc.property(fc.array(property), (properties) => {
        expect(encodePropertyBag(properties)).not.toMatch(/[/#+?\0]/);
      }),
    );
  });

  it('keeps going on text that has no UTF-8 form', () => {
    expect(encodePropertyBag([['\ud800', '\udc00']])).toBe('%EF%BF%BD=%EF%BF%BD');
  });
});

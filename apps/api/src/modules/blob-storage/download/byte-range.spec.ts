import { parseByteRange } from './byte-range.js';

describe(parseByteRange.name, () => {
  it.each([
    ['bytes=0-0', { offset: 0, count: 1 }],
    ['bytes=2-4', { offset: 2, count: 3 }],
    ['bytes=4-', { offset: 4, count: 6 }],
    ['bytes=-3', { offset: 7, count: 3 }],
    ['bytes=-30', { offset: 0, count: 10 }],
    ['bytes=8-99', { offset: 8, count: 2 }],
    ['Bytes= 1 - 2', { offset: 1, count: 2 }],
    ['bytes=10-', 'unsatisfiable'],
    ['bytes=99-100', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=4-2', undefined],
    ['bytes=-', undefined],
    ['bytes=0-1,3-4', undefined],
    ['items=0-1', undefined],
    ['nonsense', undefined],
    [undefined, undefined],
  ])('reads %s of ten bytes', (header, expected) => {
    expect(parseByteRange(header, 10)).toEqual(expected);
  });

  it('finds nothing in an empty blob', () => {
    expect(parseByteRange('bytes=0-', 0)).toBe('unsatisfiable');
    expect(parseByteRange('bytes=-5', 0)).toBe('unsatisfiable');
  });
});

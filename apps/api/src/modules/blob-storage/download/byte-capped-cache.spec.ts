import { ByteCappedCache } from './byte-capped-cache.js';

const aValue = (size: number) => ({ bytes: Buffer.alloc(size) });

describe(ByteCappedCache.name, () => {
  it('drops what was unused for longest', () => {
    const cache = new ByteCappedCache(10);
    cache.set('a', aValue(4));
    cache.set('b', aValue(4));
    cache.get('a');
    cache.set('c', aValue(4));
    expect(['a', 'b', 'c'].map((key) => cache.get(key) !== undefined)).toEqual([true, false, true]);
  });

  it('counts a replaced value once, and keeps none that is too large', () => {
    const cache = new ByteCappedCache(10);
    for (let times = 0; times < 5; times++) cache.set('a', aValue(6));
    cache.set('b', aValue(4));
    cache.set('c', aValue(11));
    expect(['a', 'b', 'c'].map((key) => cache.get(key) !== undefined)).toEqual([true, true, false]);
  });
});

import type { HubError } from '../errors/hub-errors.js';
import { ReaderOwnership } from './reader-ownership.js';

describe(ReaderOwnership.name, () => {
  let ownership: ReaderOwnership;
  let evicted: Record<string, HubError>;

  beforeEach(() => {
    ownership = new ReaderOwnership();
    evicted = {};
  });
  const claim = (name: string, epoch?: bigint, { group = 'g', partition = 0 } = {}) =>
    ownership.claim(group, partition, { name, epoch, evict: (reason) => (evicted[name] = reason) });

  it.each([5n, 6n])('lets a reader of epoch %s go before one of epoch 5', (epoch) => {
    claim('old', 5n);
    claim('new', epoch);
    expect(Object.keys(evicted)).toEqual(['old']);
    expect(evicted.old).toMatchObject({ condition: 'amqp:link:stolen' });
    expect(evicted.old?.message).toContain(`higher epoch of '${epoch}'`);
  });

  it('refuses a reader of a lower epoch, until the higher one is closed', () => {
    const close = claim('first', 2n ** 60n + 1n);
    expect(() => claim('second', 2n ** 60n)).toThrow(/with a higher epoch '1152921504606846977' already exists/);
    expect(evicted).toEqual({});
    close();
    claim('second', 2n ** 60n);
  });

  it('gives a reader with an epoch the place of all readers without', () => {
    claim('a');
    claim('b');
    claim('owner', 0n);
    expect(Object.keys(evicted)).toEqual(['a', 'b']);
    expect(() => claim('c')).toThrow(/non-epoch receiver is not allowed/);
  });

  it('does not let one that was evicted free the place of its successor', () => {
    const closeOld = claim('old', 1n);
    claim('new', 1n);
    closeOld();
    expect(() => claim('late', 0n)).toThrow(/already exists/);
  });

  it('takes five readers without epoch for each partition and group', () => {
    const [close] = ['a', 'b', 'c', 'd', 'e'].map((name) => claim(name));
    expect(() => claim('f')).toThrow(/Connected now: a, b, c, d, e/);
    claim('f', undefined, { partition: 1 });
    claim('f', undefined, { group: 'h' });
    close?.();
    claim('f');
    expect(() => claim('g')).toThrow(expect.objectContaining({ condition: 'amqp:resource-limit-exceeded' }));
  });
});

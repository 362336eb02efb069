import { ConnectionCaps } from './connection-caps.js';

describe(ConnectionCaps.name, () => {
  it('refuses an address that has too many unproven connections, and no other', () => {
    const caps = new ConnectionCaps({ connections: 100, unprovenPerAddress: 2 });
    expect([caps.admit('a'), caps.admit('a')]).toEqual([undefined, undefined]);
    expect(caps.admit('a')).toMatchObject({
      error: 'TooManyUnprovenConnections',
      reason: expect.stringContaining('2 connections of this address'),
    });
    expect(caps.admit('b')).toBeUndefined();
  });

  it('does not count the proven ones for their address', () => {
    const caps = new ConnectionCaps({ connections: 100, unprovenPerAddress: 2 });
    for (let proven = 0; proven < 10; proven += 1) {
      expect(caps.admit('a')).toBeUndefined();
      caps.settle('a');
    }
    expect([caps.admit('a'), caps.admit('a')]).toEqual([undefined, undefined]);
    expect(caps.admit('a')).toBeDefined();
  });

  it('refuses everybody when there are too many in total, until some leave', () => {
    const caps = new ConnectionCaps({ connections: 2, unprovenPerAddress: 2 });
    for (const address of ['a', 'b']) {
      caps.admit(address);
      caps.settle(address);
    }
    expect(caps.admit('c')).toMatchObject({ error: 'TooManyConnections', reason: 'there are 2 connections' });
    caps.leave();
    expect(caps.admit('c')).toBeUndefined();
  });

  it('has news once, and again after the address was well below its cap', () => {
    const caps = new ConnectionCaps({ connections: 100, unprovenPerAddress: 4 });
    for (let count = 0; count < 4; count += 1) caps.admit('a');
    expect([caps.admit('a')?.isNews, caps.admit('a')?.isNews]).toEqual([true, false]);
    for (let count = 0; count < 3; count += 1) caps.settle('a');
    for (let count = 0; count < 3; count += 1) caps.admit('a');
    expect(caps.admit('a')?.isNews).toBe(true);
  });
});

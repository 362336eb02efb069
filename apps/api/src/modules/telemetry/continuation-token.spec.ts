import { readContinuationToken, writeContinuationToken } from './continuation-token.js';

const encode = (text: string) => Buffer.from(text).toString('base64url');

describe(readContinuationToken.name, () => {
  it.each([
    { enqueuedTime: '2025-01-31T12:00:00Z', id: 'a' },
    { enqueuedTime: '2025-01-31T12:00:00.1234567Z', id: '3f0c-ä"\']:€' },
  ])('reads what was written for %j', (position) => {
    const token = writeContinuationToken(position);
    expect(token).toMatch(/^[\w-]+$/);
    expect(readContinuationToken(token)).toEqual(position);
  });

  it.each([
    '',
    '!',
    encode('null'),
    encode('"2025-01-31T12:00:00Z"'),
    encode('["2025-01-31T12:00:00Z"]'),
    encode('["2025-01-31T12:00:00Z",1]'),
    encode('["2025-01-31T12:00:00Z","a","b"]'),
    encode('["2025-01-31","a"]'),
    encode('["2025-99-31T12:00:00Z","a"]'),
    encode(`["2025-01-31T12:00:00Z","${'a'.repeat(256)}"]`),
  ])('refuses %j', (token) => {
    expect(() => readContinuationToken(token)).toThrow(expect.objectContaining({ code: 'REQUEST.INVALID' }));
  });
});

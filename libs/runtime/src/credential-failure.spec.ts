import { AggregateAuthenticationError, AuthenticationError, CredentialUnavailableError } from '@azure/identity';
import { isCredentialFailure } from './credential-failure.js';

describe(isCredentialFailure.name, () => {
  const missing = new CredentialUnavailableError('no identity');

  it.each([
    missing,
    new AuthenticationError(400, { error: 'invalid_client', error_description: 'no such secret' }),
    new AggregateAuthenticationError([missing]),
    new Error('no token', { cause: missing }),
  ])('knows %s', (error) => {
    expect(isCredentialFailure(error)).toBe(true);
  });

  it.each([new Error('down'), new TypeError('down', { cause: new Error('refused') }), 'text', undefined])(
    'leaves out %s',
    (error) => {
      expect(isCredentialFailure(error)).toBe(false);
    },
  );
});

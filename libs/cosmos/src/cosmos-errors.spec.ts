import { AppError } from '#libs/runtime';
import { cosmosError, translateCosmosError } from './cosmos-errors.js';

const failure = (fields: object, name = 'Error') => Object.assign(new Error('AccountKey=secret'), { name, ...fields });

describe(translateCosmosError.name, () => {
  it.each([
    [{ code: 400 }, 'COSMOS.FAILED'],
    [{ code: 401 }, 'COSMOS.ACCESS_DENIED'],
    [{ code: 403 }, 'COSMOS.ACCESS_DENIED'],
    [{ code: 404 }, 'COSMOS.CONTAINER_NOT_FOUND'],
    [{ code: 408 }, 'COSMOS.TIMEOUT'],
    [{ code: 429 }, 'COSMOS.THROTTLED'],
    [{ code: 503 }, 'COSMOS.FAILED'],
    [{ code: 'ECONNREFUSED' }, 'COSMOS.UNREACHABLE'],
    [{ code: 'SELF_SIGNED_CERT_IN_CHAIN' }, 'COSMOS.UNREACHABLE'],
    [{}, 'COSMOS.FAILED'],
  ])('reads %j as %s', (fields, code) => {
    expect(translateCosmosError(failure(fields))).toMatchObject({ code });
  });

  it.each([
    ['TimeoutError', 'COSMOS.TIMEOUT'],
    ['AbortError', 'COSMOS.TIMEOUT'],
    ['CredentialUnavailableError', 'COSMOS.ACCESS_DENIED'],
    ['AggregateAuthenticationError', 'COSMOS.ACCESS_DENIED'],
  ])('reads a %s as %s', (name, code) => {
    expect(translateCosmosError(failure(name === 'AbortError' ? { code: 20 } : {}, name))).toMatchObject({ code });
  });

  it('keeps what helps, and nothing that may hold a secret', () => {
    const error = failure({
      code: 429,
      substatus: 3200,
      activityId: 'a1',
      retryAfterInMs: 1500,
      headers: { x: 'secret' },
    });
    const translated = translateCosmosError(error) as AppError;
    expect(translated.details).toEqual({
      cosmos_status: 429,
      cosmos_substatus: 3200,
      cosmos_activity_id: 'a1',
      retry_after_seconds: 1.5,
    });
    expect([translated.message, translated.hint, String(translated.cause)].join(' ')).not.toContain('secret');
  });

  it('reads what a bulk has wrapped', () => {
    const wrapped = new Error('Bulk request errored', { cause: failure({ code: 429 }) });
    expect(translateCosmosError(wrapped)).toMatchObject({ code: 'COSMOS.THROTTLED' });
  });

  it('leaves alone what is translated already, and what is no error', () => {
    const known = cosmosError('COSMOS.TIMEOUT');
    expect(translateCosmosError(known)).toBe(known);
    expect(translateCosmosError('text')).toBe('text');
  });
});

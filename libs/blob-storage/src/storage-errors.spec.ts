import { AppError } from '#libs/runtime';
import { storageError, translateStorageError } from './storage-errors.js';

const failure = (fields: object, name = 'RestError') => Object.assign(new Error('sig=secret'), { name, ...fields });

describe(translateStorageError.name, () => {
  it.each([
    ['a connection that is refused', failure({ code: 'ECONNREFUSED' }), 'BLOB_STORAGE.UNREACHABLE'],
    ['a certificate that nobody knows', failure({ code: 'SELF_SIGNED_CERT_IN_CHAIN' }), 'BLOB_STORAGE.UNREACHABLE'],
    ['an answer that makes the SDK stumble', failure({}, 'TypeError'), 'BLOB_STORAGE.FAILED'],
    ['an identity that is missing', failure({}, 'CredentialUnavailableError'), 'BLOB_STORAGE.ACCESS_DENIED'],
    ['a failed sign-in', failure({ statusCode: 400 }, 'AuthenticationError'), 'BLOB_STORAGE.ACCESS_DENIED'],
    ['several of them', failure({}, 'AggregateAuthenticationError'), 'BLOB_STORAGE.ACCESS_DENIED'],
    ['a status alone', failure({ statusCode: 503 }), 'BLOB_STORAGE.THROTTLED'],
    [
      'a code rather than its status',
      failure({ statusCode: 412, details: { errorCode: 'LeaseIdMissing' } }),
      'BLOB.LOCKED',
    ],
  ])('reads %s', (_what, error, code) => {
    expect(translateStorageError(error)).toMatchObject({ code });
  });

  it('keeps what helps, and nothing that may hold a secret', () => {
    const error = failure({ statusCode: 409, details: { errorCode: 'BlobArchived', requestId: 'r1' } });
    const translated = translateStorageError(error) as AppError;
    expect(translated.details).toEqual({ storage_code: 'BlobArchived', storage_request_id: 'r1' });
    expect([translated.message, translated.hint, String(translated.cause)].join(' ')).not.toContain('secret');
  });

  it('leaves alone what is translated already, what was aborted, and what is no error', () => {
    for (const known of [storageError('BLOB.NOT_FOUND'), failure({}, 'AbortError'), 'text'])
      expect(translateStorageError(known)).toBe(known);
  });
});

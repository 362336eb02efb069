import { errorFields } from './error-fields.js';

describe(errorFields.name, () => {
  it('writes no field that an SDK hung on the error, nor on its cause', () => {
    const cause = Object.assign(new Error('Not found'), {
      response: { req: { headers: { authorization: 'secret' } } },
    });
    const error = Object.assign(new Error('late', { cause }), { code: 'X.LATE', config: { apiKey: 'secret' } });
    const text = JSON.stringify(errorFields(error));
    expect(text).not.toContain('secret');
    expect(errorFields(error)).toMatchObject({
      type: 'Error',
      code: 'X.LATE',
      message: 'late',
      cause: { message: 'Not found' },
    });
  });

  it('stops at an error that is its own cause', () => {
    const error = new Error('loop');
    error.cause = error;
    expect(JSON.stringify(errorFields(error)).match(/"message":"loop"/g)).toHaveLength(6);
  });

  it('does not write thrown values that are no errors', () => {
    expect(errorFields({ password: 'secret' })).toEqual({ type: 'object' });
  });
});

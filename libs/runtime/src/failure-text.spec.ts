import { AppError } from './app-error.js';
import { failureText } from './failure-text.js';

describe(failureText.name, () => {
  it('puts the hint after the message, and below one that is a list', () => {
    expect(failureText(new AppError('A.B', 'It failed.', { hint: 'Do this.' }))).toBe('It failed. Do this.');
    expect(failureText(new AppError('A.B', 'Both:\n  a\n  b', { hint: 'Do this.' }))).toBe('Both:\n  a\n  b\nDo this.');
    expect(failureText(new AppError('A.B', 'It failed.'))).toBe('It failed.');
  });

  it('shows stacks and causes of other errors, and nothing that an SDK hung on them', () => {
    const cause = Object.assign(new TypeError('no answer'), { request: { authorization: 'secret' } });
    const text = failureText(Object.assign(new Error('late', { cause }), { apiKey: 'secret' }));
    expect(text).toMatch(/^Error: late\n\s+at [^]*\nCaused by: TypeError: no answer\n\s+at /);
    expect(text).not.toContain('secret');
    expect(failureText({ password: 'secret' })).not.toContain('secret');
  });

  it('comes to an end with an error that is its own cause', () => {
    const error = new Error('loop');
    error.cause = error;
    expect(failureText(error).match(/Error: loop/g)).toHaveLength(6);
  });
});

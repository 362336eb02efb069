import { aToken, START_MS } from '../../../test-support/test-hub.js';
import { isSignedWith, parseSasToken } from './sas-token.js';

const KEY = Buffer.alloc(32, 1).toString('base64');
const OTHER = Buffer.alloc(32, 2).toString('base64');
const parsed = (text: string) => {
  const token = parseSasToken(text);
  if (typeof token === 'string') throw new Error('It is no token.');
  return token;
};

describe(parseSasToken.name, () => {
  it('keeps resource and expiry exactly as they stand, whatever the order of the fields', () => {
    const token = parsed('SharedAccessSignature se=1893456000&skn=service&sr=hub%2Fdevices%2Fd%20%31&sig=YWI%3D');
    expect(token).toMatchObject({ resource: 'hub%2Fdevices%2Fd%20%31', expiry: '1893456000', policyName: 'service' });
    expect(token.signature.toString()).toBe('ab');
  });

  it('does not take + for a space', () => {
    expect(parsed('SharedAccessSignature sr=a&sig=++++&se=1').signature).toEqual(Buffer.from('++++', 'base64'));
  });

  it.each([
    ['', 'scheme'],
    ['SharedAccessSignature', 'scheme'],
    ['SharedAccessSignature ', 'scheme'],
    ['Bearer sr=a&sig=YWI%3D&se=1', 'scheme'],
    ['SharedAccessSignature sr=a&sig=YWI%3D', '(se)'],
    ['SharedAccessSignature sr=&sig=YWI%3D&se=1', '(sr)'],
    ['SharedAccessSignature sr=a&se=1', '(sig)'],
    ['SharedAccessSignature sr=a&sig=%ZZ&se=1', '(sig)'],
    ['SharedAccessSignature sr=a&sig=YWI%3D&se=soon', '(se)'],
    ['SharedAccessSignature sr=a&sig=YWI%3D&se=-1', '(se)'],
    ['SharedAccessSignature sr=a&sig=YWI%3D&se=1&skn=%ZZ', '(skn)'],
    ['SharedAccessSignature sr=a&sig=YWI%3D&se', 'no name or no value'],
    ['SharedAccessSignature sr=a&sr=b&sig=YWI%3D&se=1', 'twice'],
    [`SharedAccessSignature sr=${'a'.repeat(5000)}&sig=YWI%3D&se=1`, 'longer than 4096'],
  ])('says why %j is none', (text, why) => {
    expect(parseSasToken(text)).toContain(why);
  });
});

describe(isSignedWith.name, () => {
  it('takes either key', () => {
    const token = parsed(aToken('hub', KEY, START_MS));
    expect(isSignedWith(token, [KEY, OTHER])).toBe(true);
    expect(isSignedWith(token, [OTHER, KEY])).toBe(true);
    expect(isSignedWith(token, [OTHER, null, ''])).toBe(false);
  });

  it('signs the resource as it stands, not as another spelling of it', () => {
    const encoded = aToken('hub%2Fdevices%2Fd1', KEY, START_MS);
    expect(isSignedWith(parsed(encoded), [KEY])).toBe(true);
    expect(isSignedWith(parsed(encoded.replace('hub%2Fdevices%2Fd1', 'hub/devices/d1')), [KEY])).toBe(false);
    expect(isSignedWith(parsed(encoded.replace('%2F', '%2f')), [KEY])).toBe(false);
  });

  it('refuses a changed expiry and a cut signature', () => {
    const text = aToken('hub', KEY, START_MS);
    expect(isSignedWith(parsed(text.replace(/se=(\d+)/, 'se=1$1')), [KEY])).toBe(false);
    expect(isSignedWith(parsed(text.replace(/sig=[^&]+/, 'sig=YWI%3D')), [KEY])).toBe(false);
  });
});

import { connectionFailureOf } from './connection-failure.js';

const failed = (code: unknown): Error => Object.assign(new Error('failed'), { code });
/** As the SDK's transport translates an error of its MQTT client. */
const translated = (code: unknown): Error => Object.assign(new Error('failed'), { transportError: failed(code) });

describe(connectionFailureOf.name, () => {
  it.each([
    ['rejected', translated(5)],
    ['rejected', translated(4)],
    ['rejected', translated(2)],
    ['throttled', translated(3)],
    ['unreachable', translated('ECONNREFUSED')],
    ['unreachable', failed('ENOTFOUND')],
    ['unreachable', new Error('closed')],
    ['unreachable', undefined],
    ['untrusted', translated('SELF_SIGNED_CERT_IN_CHAIN')],
    ['untrusted', failed('CERT_NOT_YET_VALID')],
  ])('tells %s by the code of %o', (kind, error) => {
    expect(connectionFailureOf(error).kind).toBe(kind);
  });
});

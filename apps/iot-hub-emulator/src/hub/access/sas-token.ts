import { createHmac, timingSafeEqual } from 'node:crypto';

/** The parts of a shared access signature, all but the signature exactly as they stood in the token. */
export interface SasToken {
  /** The resource, still encoded: the signature is over this very text. */
  readonly resource: string;
  readonly signature: Buffer;
  /** Seconds since 1970, as text: signed too. */
  readonly expiry: string;
  readonly expiresAtMs: number;
  readonly policyName?: string;
}

/** Longest token looked at; the SDKs' own stay below 400 characters. */
const MAX_TOKEN_LENGTH = 4096;

/**
 * Takes a shared access signature apart: `SharedAccessSignature sr={resource}&sig={signature}&se={expiry}[&skn={policy}]`,
 * fields in any order.
 *
 * @returns why the text is no such token, never a part of it, when it is none.
 * @see https://learn.microsoft.com/azure/iot-hub/iot-hub-dev-guide-sas
 */
export function parseSasToken(text: string): SasToken | string {
  if (text.length > MAX_TOKEN_LENGTH) return `it is longer than ${MAX_TOKEN_LENGTH} characters`;
  const match = /^SharedAccessSignature\s+(\S+)$/i.exec(text.trim());
  if (match?.[1] === undefined) return 'it is not the scheme of one and a single word after it';
  const fields = new Map<string, string>();
  for (const part of match[1].split('&')) {
    const at = part.indexOf('=');
    if (at <= 0) return 'a field has no name or no value';
    const name = part.slice(0, at);
    if (fields.has(name)) return 'a field stands in it twice';
    fields.set(name, part.slice(at + 1));
  }
  const resource = fields.get('sr');
  if (resource === undefined || resource === '') return 'its resource (sr) is missing';
  const signature = base64Decode(percentDecode(fields.get('sig')));
  if (signature === undefined) return 'its signature (sig) is missing, or not percent-encoded base64';
  const expiry = fields.get('se');
  if (expiry === undefined || !/^\d{1,12}$/.test(expiry)) return 'its expiry (se) is not in whole seconds since 1970';
  const policyName = percentDecode(fields.get('skn') ?? '');
  if (policyName === undefined) return 'its policy (skn) is not percent-encoded';
  return {
    resource,
    signature,
    expiry,
    expiresAtMs: Number(expiry) * 1000,
    ...(policyName === '' ? {} : { policyName }),
  };
}

/**
 * Whether the token was signed with one of the keys (base64, as in connection strings). Constant time for each key.
 *
 * @param encoding what the key's bytes are: what its base64 stands for, or, as Event Hubs clients have it, its text itself
 */
export function isSignedWith(
  token: SasToken,
  keys: readonly (string | null)[],
  encoding: 'base64' | 'utf8' = 'base64',
): boolean {
  return keys.some((key) => {
    if (key === null || key === '') return false;
    const expected = createHmac('sha256', Buffer.from(key, encoding))
      .update(`${token.resource}\n${token.expiry}`)
      .digest();
    return expected.length === token.signature.length && timingSafeEqual(expected, token.signature);
  });
}

/** The bytes of base64 as it is meant to be written; Node's own decoder also takes other alphabets and skips what it cannot read. */
function base64Decode(text: string | undefined): Buffer | undefined {
  if (text === undefined) return undefined;
  const bytes = Buffer.from(text, 'base64');
  return bytes.length > 0 && bytes.toString('base64') === text ? bytes : undefined;
}

/** Percent-decoding that answers undefined to broken text, and leaves `+` alone, as base64 needs. */
export function percentDecode(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

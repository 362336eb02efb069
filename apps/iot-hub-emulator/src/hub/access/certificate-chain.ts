import type { X509Certificate } from 'node:crypto';

/** What a client showed in the TLS handshake, where it proved to have its key: its own certificate first, then its issuers'. */
export type CertificateChain = readonly [X509Certificate, ...X509Certificate[]];

/** Longest way from a client's certificate to an authority of the hub. */
const MAX_CHAIN_LENGTH = 5;

/**
 * Why a client's certificate does not lead to one of the hub's authorities; undefined when it does. Each certificate on
 * the way must be in force and issued by the next one, and each issuer be an authority with room below it.
 *
 * @param authorities those that the hub trusts, roots or not.
 * @see https://datatracker.ietf.org/doc/html/rfc5280#section-6.1
 */
export function chainProblem(
  [own, ...shown]: CertificateChain,
  authorities: readonly X509Certificate[],
  nowMs: number,
): string | undefined {
  let current = own;
  for (let below = 0; below < MAX_CHAIN_LENGTH; below += 1) {
    const problem = validityProblem(current, nowMs) ?? (below > 0 ? authorityProblem(current, below - 1) : undefined);
    if (problem !== undefined) return below === 0 ? problem : `an issuer of the client's certificate: ${problem}`;
    const trusted = authorities.find((authority) => isIssuedBy(current, authority));
    if (trusted !== undefined) {
      const problemOfTrusted = validityProblem(trusted, nowMs) ?? authorityProblem(trusted, below);
      return problemOfTrusted === undefined ? undefined : `the hub's authority: ${problemOfTrusted}`;
    }
    const issuer = shown.find((candidate) => !candidate.raw.equals(current.raw) && isIssuedBy(current, candidate));
    if (issuer === undefined) {
      return below === 0 && isIssuedBy(current, current)
        ? "the client's certificate is self-signed, not signed by an authority of this hub"
        : `the client's certificate leads to no authority of this hub, but to ${nameText(current.issuer)}`;
    }
    current = issuer;
  }
  return `the client's certificate is more than ${MAX_CHAIN_LENGTH} steps away from an authority`;
}

/** A distinguished name in one line, not longer than the log needs it. */
const nameText = (name: string): string => name.replaceAll('\n', ', ').slice(0, 128);

/** Why a certificate is not in force; undefined when it is. */
export function validityProblem({ validFromDate, validToDate }: X509Certificate, nowMs: number): string | undefined {
  if (nowMs < validFromDate.getTime()) return `the certificate is not valid before ${validFromDate.toISOString()}`;
  if (nowMs > validToDate.getTime()) return `the certificate expired at ${validToDate.toISOString()}`;
  return undefined;
}

function authorityProblem(certificate: X509Certificate, below: number): string | undefined {
  if (!certificate.ca) return 'the certificate is not of an authority';
  const pathLength = pathLengthOf(certificate.raw);
  if (pathLength !== undefined && below > pathLength) {
    return `the certificate allows ${pathLength} authorities below it, and there are ${below}`;
  }
  return undefined;
}

const isIssuedBy = (certificate: X509Certificate, issuer: X509Certificate): boolean =>
  certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);

const EXTENSIONS = 0xa3;
const OCTET_STRING = 0x04;
const INTEGER = 0x02;
/** 2.5.29.19 */
const BASIC_CONSTRAINTS = Buffer.from([0x06, 0x03, 0x55, 0x1d, 0x13]);

/**
 * How many authorities may stand below one, which Node does not tell; undefined when any number may.
 *
 * @see https://datatracker.ietf.org/doc/html/rfc5280#section-4.2.1.9
 */
function pathLengthOf(der: Buffer): number | undefined {
  const [certificate] = elements(der);
  const [toBeSigned] = elements(certificate?.content);
  const extensions = elements(toBeSigned?.content).find(({ tag }) => tag === EXTENSIONS);
  const [list] = elements(extensions?.content);
  for (const extension of elements(list?.content)) {
    if (!extension.content.subarray(0, BASIC_CONSTRAINTS.length).equals(BASIC_CONSTRAINTS)) continue;
    const value = elements(extension.content).find(({ tag }) => tag === OCTET_STRING);
    const [constraints] = elements(value?.content);
    const length = elements(constraints?.content).find(({ tag }) => tag === INTEGER)?.content;
    return length === undefined ? undefined : length.readUIntBE(0, Math.min(length.length, 6));
  }
  return undefined;
}

/** The elements that DER bytes hold side by side. OpenSSL has parsed them before: their lengths are right. */
function elements(der: Buffer = Buffer.alloc(0)): { tag: number; content: Buffer }[] {
  const found: { tag: number; content: Buffer }[] = [];
  for (let at = 0; at + 2 <= der.length;) {
    const first = der.readUInt8(at + 1);
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
    const start = at + 2 + lengthBytes;
    const length = lengthBytes === 0 ? first : der.readUIntBE(at + 2, lengthBytes);
    found.push({ tag: der.readUInt8(at), content: der.subarray(start, start + length) });
    at = start + length;
  }
  return found;
}

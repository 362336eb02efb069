import 'reflect-metadata';
import { randomUUID, type webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 24 * 60 * 60 * 1000;

/** A certificate of a test's own. */
export interface TestCertificate {
  /** PEM, of this certificate alone. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
  readonly keys: webcrypto.CryptoKeyPair;
}

export interface CertificateWishes {
  readonly commonName?: string;
  /** Absent: self-signed. */
  readonly issuer?: TestCertificate;
  /** Whether it may sign others; a number says how many authorities may stand below. */
  readonly authority?: boolean | number;
  /** Milliseconds since 1970. Default: since yesterday, until tomorrow. */
  readonly validFromMs?: number;
  readonly validToMs?: number;
}

/** Makes a certificate as wished. */
export async function aCertificate({
  commonName = randomUUID(),
  issuer,
  authority = false,
  validFromMs = Date.now() - DAY_MS,
  validToMs = Date.now() + DAY_MS,
}: CertificateWishes = {}): Promise<TestCertificate> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  // A slash or comma in a name would stand for more than itself in text.
  const subject = [{ CN: [commonName] }];
  const certificate = await x509.X509CertificateGenerator.create({
    subject,
    issuer: issuer === undefined ? new x509.Name(subject).toString() : new x509.X509Certificate(issuer.cert).subject,
    publicKey: keys.publicKey,
    signingKey: issuer?.keys.privateKey ?? keys.privateKey,
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(validFromMs),
    notAfter: new Date(validToMs),
    extensions: [
      new x509.BasicConstraintsExtension(
        authority !== false,
        typeof authority === 'number' ? authority : undefined,
        true,
      ),
      ...(authority === false
        ? []
        : [new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true)]),
    ],
  });
  const pkcs8 = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { cert: `${certificate.toString('pem')}\n`, key: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY'), keys };
}

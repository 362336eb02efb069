import { X509Certificate } from 'node:crypto';
import { TLSSocket, type DetailedPeerCertificate } from 'node:tls';
import type { CertificateChain } from '../hub/access/certificate-chain.js';

/** Issuers looked at; more than any real chain has. */
const MAX_SHOWN = 10;

/** The certificates that a client showed in the TLS handshake, its own first; undefined when it showed none. */
export function clientCertificatesOf(socket: unknown): CertificateChain | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  let certificate: Partial<DetailedPeerCertificate> | undefined = socket.getPeerCertificate(true);
  const chain: X509Certificate[] = [];
  // A self-signed one is its own issuer, and without end.
  while (certificate?.raw !== undefined && chain.length < MAX_SHOWN) {
    const { raw } = certificate;
    if (chain.some((shown) => shown.raw.equals(raw))) break;
    chain.push(new X509Certificate(raw));
    certificate = certificate.issuerCertificate;
  }
  const [own, ...issuers] = chain;
  return own && [own, ...issuers];
}

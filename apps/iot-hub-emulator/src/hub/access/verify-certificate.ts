import type { X509Certificate } from 'node:crypto';
import type { IdentityRow } from '../../storage/identity-row.js';
import type { Hub } from '../hub.js';
import { identityKey, identityOfRow } from '../identity.js';
import { chainProblem, validityProblem, type CertificateChain } from './certificate-chain.js';
import { unauthorized } from './unauthorized.js';

/**
 * Checks that a client certificate is the one of a device or module: by its thumbprint, or by an authority of the hub and
 * a common name `{device id}` or `{device id}/{module id}`.
 *
 * @throws {@link HubError} `IotHubUnauthorizedAccess`; its `reason` says why, for the log.
 * @see https://learn.microsoft.com/azure/iot-hub/authenticate-authorize-x509
 */
export function verifyCertificate(hub: Hub, row: IdentityRow, chain: CertificateChain): void {
  const problem = problemOf(hub, row, chain);
  if (problem !== undefined) throw unauthorized(problem);
}

function problemOf(hub: Hub, row: IdentityRow, chain: CertificateChain): string | undefined {
  const [own] = chain;
  const nowMs = hub.clock.nowMs();
  switch (row.authentication_type) {
    case 'sas':
      return `the ${row.module_id === '' ? 'device' : 'module'} authenticates by key, not by certificate`;
    case 'selfSigned':
      return hasThumbprint(own, [row.primary_thumbprint, row.secondary_thumbprint])
        ? validityProblem(own, nowMs)
        : `the certificate has another thumbprint than those registered: ${own.fingerprint256.replaceAll(':', '')}`;
    case 'certificateAuthority':
      return nameProblem(own, row) ?? chainProblem(chain, hub.caCertificates ?? [], nowMs);
  }
}

/** SHA-1 or SHA-256, in hex digits of any case. */
function hasThumbprint(
  { fingerprint, fingerprint256 }: X509Certificate,
  thumbprints: readonly (string | null)[],
): boolean {
  const actual = [fingerprint, fingerprint256].map((text) => text.replaceAll(':', ''));
  return thumbprints.some((thumbprint) => thumbprint !== null && actual.includes(thumbprint.toUpperCase()));
}

function nameProblem(certificate: X509Certificate, row: IdentityRow): string | undefined {
  const wanted = identityKey(identityOfRow(row));
  const { subject } = certificate.toLegacyObject() as { subject?: { CN?: unknown } };
  // Several of them are a list.
  const names = subject?.CN;
  if (names === wanted) return undefined;
  return `the certificate's common name is ${names === undefined ? 'missing' : JSON.stringify(names).slice(0, 140)}, not ${JSON.stringify(wanted)}`;
}

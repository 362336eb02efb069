import type { IdentityRow } from '../../storage/identity-row.js';
import { HubError } from '../errors/hub-errors.js';
import type { Hub } from '../hub.js';
import { identityOf, type Identity } from '../identity.js';
import { findDevice, findIdentity } from '../registry/find-identity.js';
import type { CertificateChain } from './certificate-chain.js';
import type { DeviceIdentity } from './device-identity.js';
import { readLiveToken } from './live-token.js';
import { resourceProblem } from './token-resource.js';
import { unauthorized } from './unauthorized.js';
import { verifyCertificate } from './verify-certificate.js';
import { verifyOwnSignature, verifyPolicySignature } from './verify-signature.js';

/** What a client shows to prove itself: a token goes before a certificate. */
export interface Credentials {
  /** A shared access signature. */
  readonly token?: string | undefined;
  /** From the TLS handshake. */
  readonly certificates?: CertificateChain | undefined;
}

/**
 * Proves a device or module: by a shared access signature, signed with one of its own keys over its own resource or by a
 * shared access policy that has DeviceConnect; or by its client certificate.
 *
 * @throws {@link HubError} `IotHubUnauthorizedAccess` (its `reason` says why, for the log), or `DeviceDisabled`.
 */
export function authenticateDevice(hub: Hub, identity: Identity, { token, certificates }: Credentials): DeviceIdentity {
  const proven =
    (token ?? '') === '' && certificates ? byCertificate(hub, identity, certificates) : byToken(hub, identity, token);
  const row = requireRow(hub, identity);
  // A module has no status of its own.
  if ((identity.moduleId === undefined ? row : findDevice(hub, identity.deviceId))?.status === 'disabled') {
    throw new HubError('DeviceDisabled', 'The device is disabled.', { reason: 'the device is disabled' });
  }
  return { ...identityOf(identity), generationId: row.generation_id, ...proven };
}

type Proof = Pick<DeviceIdentity, 'authScope' | 'authType' | 'expiresAtMs'>;

function byToken(hub: Hub, identity: Identity, text: string | undefined): Proof {
  const token = readLiveToken(hub, text);
  const ownToken = token.policyName === undefined;
  const row = ownToken ? requireRow(hub, identity) : undefined;
  if (row !== undefined && row.authentication_type !== 'sas') {
    throw unauthorized(`the ${kindOf(identity)} authenticates by certificate, not by key`);
  }
  const problem = resourceProblem(hub, token.resource, identity, { hubWide: !ownToken });
  if (problem !== undefined)
    throw unauthorized(`the token is for another resource than this ${kindOf(identity)}: ${problem}`);
  if (row !== undefined) {
    verifyOwnSignature(hub, token, row);
    return { authScope: kindOf(identity), authType: 'sas', expiresAtMs: token.expiresAtMs };
  }
  const policy = verifyPolicySignature(hub, token);
  if (!policy.rights.includes('DeviceConnect')) throw unauthorized(`policy ${policy.name} has no right DeviceConnect`);
  return { authScope: 'hub', authType: 'sas', expiresAtMs: token.expiresAtMs };
}

function byCertificate(hub: Hub, identity: Identity, certificates: CertificateChain): Proof {
  verifyCertificate(hub, requireRow(hub, identity), certificates);
  // The connection is proven once: it may outlive the certificate.
  return { authScope: kindOf(identity), authType: 'x509', expiresAtMs: Number.POSITIVE_INFINITY };
}

function requireRow(hub: Hub, identity: Identity): IdentityRow {
  const row = findIdentity(hub, identity);
  if (row !== undefined) return row;
  throw unauthorized(
    `there is no such ${identity.moduleId === undefined || findDevice(hub, identity.deviceId) ? kindOf(identity) : 'device'}`,
  );
}

const kindOf = ({ moduleId }: Identity): 'device' | 'module' => (moduleId === undefined ? 'device' : 'module');

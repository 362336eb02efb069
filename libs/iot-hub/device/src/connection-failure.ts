/** Why there is no connection to the hub. */
export type ConnectionFailureKind =
  /** The network, or the hub, does not answer; or a connection was lost. */
  | 'unreachable'
  /** The hub asks to come back later. */
  | 'throttled'
  /** The hub refuses the device: its token, its id, or it is disabled. */
  | 'rejected'
  /** The hub's certificate is not trusted. */
  | 'untrusted'
  /** Another connection with this device's identity took over. */
  | 'replaced';

/** What went wrong with a connection, for the log. */
export interface ConnectionFailure {
  kind: ConnectionFailureKind;
  message: string;
  /** What a person can do about it. */
  hint?: string;
}

/** MQTT 3.1.1, 3.2.2.3: return codes of CONNACK. Identifier rejected, bad user name or password, not authorized. */
const CONNACK_REJECTED = new Set([2, 4, 5]);
const CONNACK_UNAVAILABLE = 3;

const CERTIFICATE_ERRORS = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/**
 * Reads the reason from an error of the SDK's MQTT transport. Codes decide, never message text: the SDK keeps what the
 * MQTT client reported as `transportError`, whose `code` is a number from CONNACK or a string from the socket.
 */
export function connectionFailureOf(error: unknown): ConnectionFailure {
  const code = codeOf(error);
  if (typeof code === 'number' && CONNACK_REJECTED.has(code)) {
    return { kind: 'rejected', message: `The hub refused this device (CONNACK ${code}).` };
  }
  if (code === CONNACK_UNAVAILABLE) {
    return { kind: 'throttled', message: 'The hub is not available at the moment (CONNACK 3).' };
  }
  if (typeof code === 'string' && CERTIFICATE_ERRORS.has(code)) {
    return {
      kind: 'untrusted',
      message: `The hub's certificate is not trusted (${code}).`,
      hint: 'Name the file of its certificate authority in CA_FILE, and check this machine’s clock.',
    };
  }
  return { kind: 'unreachable', message: `No connection to the hub: ${messageOf(error)}` };
}

/** The code of what the MQTT client reported, else of the error itself. */
function codeOf(error: unknown): unknown {
  return property(property(error, 'transportError'), 'code') ?? property(error, 'code');
}

function messageOf(error: unknown): string {
  const message = property(error, 'message');
  return typeof message === 'string' ? message : String(error);
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

import type { Identity } from '../identity.js';

/** Whose key or certificate it was: the device's or module's own, or a shared access policy with DeviceConnect. */
export type AuthScope = 'device' | 'module' | 'hub';

/** By a shared access signature, or by a client certificate. */
export type AuthType = 'sas' | 'x509';

/**
 * A device or module that has proven who it is. Made by {@link authenticateDevice}, handed to the operations that those
 * may call.
 */
export interface DeviceIdentity extends Identity {
  /** Changes when a device is deleted and made again under the same name. */
  readonly generationId: string;
  readonly authScope: AuthScope;
  readonly authType: AuthType;
  /** When the token lapses, in milliseconds since 1970. A live connection must end then. */
  readonly expiresAtMs: number;
  /** The model that it said it implements when it connected. */
  readonly modelId?: string;
}

import type { AuthScope, AuthType } from '../access/device-identity.js';
import type { MessageSystemProperties } from './device-message.js';
import type { MessageSource } from './message-source.js';

/** A message as routes see it: a device's own, or an event of the hub about a device. */
export interface HubMessage {
  readonly source: MessageSource;
  readonly deviceId: string;
  readonly moduleId?: string | undefined;
  readonly generationId: string;
  /** By whose key or certificate the sender proved itself; empty for an event of the hub. */
  readonly authScope: AuthScope | '';
  readonly authType: AuthType;
  /** Milliseconds since 1970. */
  readonly enqueuedMs: number;
  readonly systemProperties: MessageSystemProperties;
  /** Application properties. */
  readonly properties: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** A message of the log. */
export interface LoggedMessage extends HubMessage {
  /** Its place in the log: rising, never given twice. */
  readonly sequenceNumber: number;
}

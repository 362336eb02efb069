import type { TwinProperties } from './twin-patch.js';

/** What a device answers to a direct method. */
export interface MethodReply {
  /** An integer of the device's own choosing, by custom like HTTP's. */
  status: number;
  /** Anything JSON can hold. */
  payload: unknown;
}

/** A direct method that the hub calls. */
export interface MethodCall {
  name: string;
  requestId: string;
  /** JSON as it came; empty when the caller gave no payload. */
  body: Buffer;
  /** Answers; only the first answer is sent. Fails when the connection is gone, and the hub has then told the caller. */
  respond(reply: MethodReply): Promise<void>;
}

/** A message from the device to the cloud. */
export interface DeviceMessage {
  /** At most 128 characters of ASCII; the same for each repetition, so that a reader can tell those. */
  messageId: string;
  /** JSON in UTF-8, and told to the hub as that. */
  body: string;
  /** Application properties, which routes can ask for. */
  properties: Readonly<Record<string, string>>;
  /** When it was made, ISO 8601 in UTC: it may have waited on the device. */
  createdAt: string;
}

/** What happens during a session. */
export interface SessionEvents {
  onMethod(call: MethodCall): void;
  /** A change of the desired properties, with its `$version`. */
  onDesiredPatch(patch: TwinProperties): void;
  /** The connection ended, other than by `close`; it does not come back. Called once. */
  onLost(error: Error | undefined): void;
}

/** One connection to the hub, subscribed to direct methods and desired properties. It never reconnects by itself. */
export interface DeviceSession {
  /** The desired properties at the time of connecting, with their `$version`. */
  readonly desired: TwinProperties;
  reportProperties(patch: TwinProperties): Promise<void>;
  /** Resolves when the hub has confirmed that it holds the message. Messages arrive in the order of the calls. */
  sendMessage(message: DeviceMessage): Promise<void>;
  close(): Promise<void>;
}

/** The hub took the connection, and ended it before it was ready for use. */
export class LostWhileOpening extends Error {
  constructor(cause: unknown) {
    super('The hub closed the connection soon after it was made.', { cause });
    this.name = 'LostWhileOpening';
  }
}

/**
 * Connects, subscribes, and reads the twin.
 *
 * @throws {@link LostWhileOpening}, or what the transport reports; the attempt leaves nothing behind
 */
export type OpenDeviceSession = (events: SessionEvents, signal: AbortSignal) => Promise<DeviceSession>;

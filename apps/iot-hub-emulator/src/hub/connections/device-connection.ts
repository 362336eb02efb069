import type { Identity } from '../identity.js';
import type { JsonObject } from '../json.js';

/** Why the hub ends a live connection. */
export type CloseReason = 'replaced' | 'disabled' | 'deleted' | 'token-expired' | 'shutdown';

/** What a connected device or module listens to: only then does the hub send it such things. */
export type Listening = 'methods' | 'desired' | 'cloud-to-device';

/** A direct method call on its way to a device. */
export interface MethodCall {
  /** Hex digits; the device's answer carries it back to {@link answerMethod}. */
  readonly requestId: string;
  readonly methodName: string;
  /** JSON text, `null` when the caller gave none. */
  readonly payload: string;
  /** Whether its caller still waits. A call that could not go out by then must not: its caller was told that it failed. */
  readonly isAwaited: () => boolean;
}

/**
 * The live connection of a device or module, implemented by a protocol and attached with
 * {@link LiveConnections.attach}. The hub calls these; none of them may throw.
 */
export interface DeviceConnection {
  readonly identity: Identity;
  /** For the log, for example `mqtt 127.0.0.1:50123`. */
  readonly description: string;
  /** Whether the device has subscribed to this kind. Tell {@link LiveConnections.listeningChanged} when it changes. */
  listensTo(kind: Listening): boolean;
  /** Ends the connection at once. Calling {@link LiveConnections.detach} afterwards is right and harmless. */
  close(reason: CloseReason): void;
  /** Sends a method call; called only while `listensTo('methods')`. */
  invokeMethod(call: MethodCall): void;
  /** Sends a change of desired properties (nulls included, without `$version`); only while `listensTo('desired')`. */
  desiredChanged(patch: JsonObject, version: number): void;
  /**
   * The device's queue may have messages to give: take them with `receiveMessage`. Called only while
   * `listensTo('cloud-to-device')`; what waits already when a device connects or subscribes, its connection fetches by itself.
   */
  messagesWaiting(): void;
}

/** Which ends of a message its sender wants to hear of, by property `iothub-ack`. */
export type FeedbackMode = 'none' | 'positive' | 'negative' | 'full';

/** System properties of a message to a device; all optional text. */
export interface DeviceBoundProperties {
  messageId?: string;
  correlationId?: string;
  userId?: string;
  /** As the sender wrote it; by default `/devices/{deviceId}/messages/devicebound`. */
  to?: string;
  contentType?: string;
  contentEncoding?: string;
  creationTimeUtc?: string;
  /** `iothub-ack`, when the sender gave it. */
  ack?: FeedbackMode;
  /** ISO 8601, when the sender gave it. */
  expiryTimeUtc?: string;
}

/** A cloud-to-device message as a protocol hands it to the hub. */
export interface DeviceBoundMessage {
  readonly body: Uint8Array;
  readonly systemProperties: DeviceBoundProperties;
  /** The sender's own (application) properties; a value may be null. */
  readonly properties: Readonly<Record<string, string | null>>;
}

/** A message of a device's queue, handed to one receiver alone. */
export interface ReceivedMessage extends DeviceBoundMessage {
  readonly systemProperties: DeviceBoundProperties & { readonly to: string };
  /** Proves the lock; to complete, reject, abandon or release it. */
  readonly lockToken: string;
  /** Rising within a device's queue, never given twice. */
  readonly sequenceNumber: number;
  /** Milliseconds since 1970. */
  readonly enqueuedMs: number;
  /** How often the device has abandoned it. */
  readonly deliveryCount: number;
  /** Whether it may have reached the device before. */
  readonly redelivered: boolean;
}

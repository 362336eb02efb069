/** A message of a device, as IoT Hub has stored it. */
export interface TelemetryMessage {
  readonly id: string;
  readonly deviceId: string;
  /** What the device says it is; undefined when it says nothing. */
  readonly kind: string | undefined;
  /** When the hub took it, ISO 8601 in UTC. */
  readonly enqueuedTime: string;
  /** Such as `Telemetry`. */
  readonly source: string | undefined;
  /** Application properties. */
  readonly properties: Readonly<Record<string, unknown>>;
  readonly body: MessageBody;
}

/** What a device has sent. */
export interface MessageBody {
  /** Any JSON, a text, or base64, as `format` says. */
  readonly value: unknown;
  readonly format: 'json' | 'text' | 'base64';
  /** Whether the hub has stored base64, as it does without a content type and encoding that say JSON. */
  readonly wasBase64: boolean;
}

/** Names one message in the order of a device's messages: by time, among the same time by id. */
export interface MessagePosition {
  readonly enqueuedTime: string;
  readonly id: string;
}

export function positionOf({ enqueuedTime, id }: TelemetryMessage): MessagePosition {
  return { enqueuedTime, id };
}

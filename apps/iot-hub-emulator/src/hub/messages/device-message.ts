/** System properties of a message, by the names IoT Hub uses in routing; all optional text. */
export interface MessageSystemProperties {
  messageId?: string;
  correlationId?: string;
  userId?: string;
  to?: string;
  contentType?: string;
  contentEncoding?: string;
  /** ISO 8601. */
  expiryTimeUtc?: string;
  creationTimeUtc?: string;
  interfaceId?: string;
  /** The model that the device said it implements when it connected. */
  dataSchema?: string;
  /** Component name (`$.sub`). */
  subject?: string;
  outputName?: string;
}

/** A device-to-cloud message as a protocol hands it to the hub. */
export interface DeviceMessage {
  readonly body: Uint8Array;
  readonly systemProperties: MessageSystemProperties;
  /** The user's own (application) properties. */
  readonly properties: Readonly<Record<string, string>>;
}

/** What the cloud may wish of the agent in its twin's desired properties. */
export interface AgentDesiredProperties {
  /** How often telemetry is sent: whole seconds, see `TELEMETRY_INTERVAL_SECONDS`. */
  telemetry_interval_seconds?: number;
}

/**
 * How a device answers one desired property, under the same name in its reported properties.
 *
 * @see https://learn.microsoft.com/azure/iot/concepts-convention#writable-properties
 */
export interface PropertyAcknowledgement<Value> {
  /** What holds now, whether the wish was granted or not. */
  value: Value;
  /** Like HTTP's: 200 granted, 203 the device's own default, 400 refused. */
  ac: 200 | 203 | 400;
  /** `$version` of the desired properties that this answers; 0 for a default. */
  av: number;
  /** Why, in words; null unless refused. */
  ad: string | null;
}

/** What the agent says of itself in its twin's reported properties. */
export interface AgentReportedProperties {
  agent_version: string;
  /** ISO 8601, UTC. */
  started_at: string;
  /** The cameras found, by index; twins keep lists as arrays. */
  cameras: { index: number; name: string }[];
  /** Names of the direct methods that the agent answers. */
  supported_methods: string[];
  /** `$version` of the desired properties that the agent has seen last. */
  desired_version: number;
  telemetry_interval_seconds: PropertyAcknowledgement<number>;
  /** How many messages were given up for want of space while offline, since the agent's outbox was made. */
  messages_dropped: number;
}

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
}

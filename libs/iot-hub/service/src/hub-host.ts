import { Agent } from 'node:https';

/** A hub's host name and, unless it is the standard one, its port. */
export interface HubHost {
  readonly name: string;
  readonly port: number | undefined;
}

/** Reads `localhost` or `localhost:8443`, the forms that `HostName` in a connection string has. */
export function parseHubHost(hostName: string): HubHost {
  const [, name = hostName, port] = /^(.*?)(?::(\d+))?$/.exec(hostName) ?? [];
  return { name, port: port === undefined ? undefined : Number(port) };
}

/**
 * Keeps connections to the hub open between requests. The SDK passes `HostName` on as a host name even when it carries
 * a port; the agent's own options win over those of a request, and so put that right.
 */
export function createHubAgent(hostName: string): Agent {
  const { name, port } = parseHubHost(hostName);
  return new Agent({ keepAlive: true, ...(port !== undefined && { host: name, port }) });
}

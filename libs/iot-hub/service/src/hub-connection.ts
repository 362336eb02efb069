import type { Agent } from 'node:https';
import { AppError } from '#libs/runtime';
import type { Client, Registry } from 'azure-iothub';
import { deadline } from './deadline.js';
import { createHubAgent } from './hub-host.js';
import { translateHubError } from './hub-error.js';

/** How to sign in to an IoT Hub. */
export type HubCredentials =
  | { readonly kind: 'connection-string'; readonly connectionString: string }
  /** A managed identity, or whoever is signed in on a developer's machine. */
  | { readonly kind: 'identity'; readonly hostName: string };

/** What a call to the hub is about, for the errors it may end in. */
interface HubCall {
  readonly deviceId?: string;
  /** How long the hub may take; 30 s unless given. */
  readonly timeoutMs?: number;
}

interface HubClients {
  readonly registry: Registry;
  readonly client: Client;
  readonly agent: Agent;
}

const DEFAULT_TIMEOUT_MS = 30_000;

/** Whoever called is still waiting, so that a refusal is theirs to repeat; the SDK would retry for up to four minutes. */
const NO_RETRY = { shouldRetry: () => false, nextRetryTimeout: () => 0 };

/** The part of an SDK client that takes an agent; the SDK keeps it to itself. */
interface WithRestClient {
  readonly _restApiClient: { setOptions(options: { http: { agent: Agent } }): void };
}

/** One signed-in connection to an IoT Hub's service side. The SDK is loaded and the clients are made at the first call. */
export class HubConnection {
  private clients: Promise<HubClients> | undefined;

  /** Undefined `credentials` make every call fail with `IOT_HUB.NOT_CONFIGURED`. */
  constructor(private readonly credentials: HubCredentials | undefined) {}

  /** The hub's name as devices put it into their connection strings, with the port if it is not the standard one. */
  get hostName(): string {
    const credentials = this.requireCredentials();
    if (credentials.kind === 'identity') return credentials.hostName;
    return /(?:^|;)HostName=([^;]+)/i.exec(credentials.connectionString)?.[1] ?? '';
  }

  /**
   * Runs one call on the SDK's clients.
   *
   * @throws {@link AppError} as {@link translateHubError} tells, whatever goes wrong.
   */
  async run<Result>(
    call: (clients: Omit<HubClients, 'agent'>) => Promise<Result>,
    { timeoutMs = DEFAULT_TIMEOUT_MS, ...about }: HubCall = {},
  ): Promise<Result> {
    try {
      const clients = await this.open();
      return await deadline(call(clients), timeoutMs);
    } catch (error) {
      throw translateHubError(error, about);
    }
  }

  /** Closes the connections to the hub. */
  async close(): Promise<void> {
    const clients = await this.clients?.catch(() => undefined);
    clients?.agent.destroy();
  }

  private open(): Promise<HubClients> {
    this.clients ??= this.createClients().catch((error: unknown) => {
      this.clients = undefined;
      throw error;
    });
    return this.clients;
  }

  private async createClients(): Promise<HubClients> {
    const credentials = this.requireCredentials();
    // The SDK's names are not visible to Node's import, only its whole is.
    const { Client, Registry } = (await import('azure-iothub')).default;
    let registry: Registry;
    let client: Client;
    if (credentials.kind === 'connection-string') {
      registry = Registry.fromConnectionString(credentials.connectionString);
      client = Client.fromConnectionString(credentials.connectionString);
    } else {
      const { DefaultAzureCredential } = await import('@azure/identity');
      const identity = new DefaultAzureCredential();
      registry = Registry.fromTokenCredential(credentials.hostName, identity);
      client = Client.fromTokenCredential(credentials.hostName, identity);
    }
    client.setRetryPolicy(NO_RETRY);
    const agent = createHubAgent(this.hostName);
    for (const sdk of [registry, client])
      (sdk as unknown as WithRestClient)._restApiClient.setOptions({ http: { agent } });
    return { registry, client, agent };
  }

  private requireCredentials(): HubCredentials {
    if (this.credentials) return this.credentials;
    throw new AppError('IOT_HUB.NOT_CONFIGURED', 'No IoT Hub is configured.');
  }
}

import type { Logger } from 'pino';
import type { Clock } from './hub/clock.js';
import type { QueueOptions } from './hub/queues/queue-options.js';
import type { CosmosDbEndpoint, IotHubRouting } from './hub/routing/routing-config.js';
import type { IotHubSeed } from './seed/seed-schema.js';

/** How an emulator is to be started. Every member may be left out, but for `dataDirectory` or `inMemory`. */
export interface IotHubEmulatorOptions {
  /** Address to listen on. Default `127.0.0.1`. */
  readonly host?: string;
  /** Port for all protocols. Default 8443; 0 takes a free one. */
  readonly port?: number;
  /** Whether to listen on 8883, 5671 and 443 too, where they are free and permitted. Default false. */
  readonly standardPorts?: boolean;
  /** Default `localhub`. */
  readonly hubName?: string;
  /** Folder of the database and the certificates, made if missing. */
  readonly dataDirectory?: string;
  /** Keeps nothing: no database file, and certificates in a temporary folder that goes at close. */
  readonly inMemory?: boolean;
  /** What the hub begins with: a seed, or the path of a YAML or JSON file. Devices it already has are left alone. */
  readonly seed?: IotHubSeed | string;
  /** Where devices upload files to. The container must exist. */
  readonly storage?: { readonly connectionString: string; readonly containerName: string };
  /**
   * Message routes and fallback as in ARM's `properties.routing`, or the path of a YAML or JSON file of them. Goes before
   * the seed's. Default: telemetry goes to the built-in endpoint.
   */
  readonly routing?: IotHubRouting | string;
  /** Endpoints that routes may name, beside those within the routing itself. */
  readonly cosmosDbEndpoints?: readonly CosmosDbEndpoint[];
  /**
   * Authorities whose signature on a device's X.509 certificate counts, beside the seed's: PEM texts, or paths of PEM
   * files. 25 at most.
   */
  readonly caCertificates?: readonly string[];
  /**
   * Keys of the shared access policies: `development` are the same everywhere and for loopback alone; `generated` are
   * made once and kept. Default: by the address.
   */
  readonly policyKeys?: 'development' | 'generated';
  /** Further names and addresses under which clients reach the hub; the certificate covers them. */
  readonly tlsNames?: readonly string[];
  /** How long device-to-cloud messages are kept, in days: 1 to 7. Default 1. */
  readonly retentionDays?: number;
  /** In place of `retentionDays`, for tests: in milliseconds, without limits. */
  readonly messageRetentionMs?: number;
  /**
   * Partitions of the built-in endpoint: 2 to 32. Default 4. What a database was made with stays.
   */
  readonly partitionCount?: number;
  /** Consumer groups of the built-in endpoint, beside `$Default`. */
  readonly consumerGroups?: readonly string[];
  /** Lives, locks and delivery counts of messages to devices, of feedback and of file notifications. */
  readonly cloudToDevice?: QueueOptions;
  /** Default: silent. */
  readonly logger?: Logger;
  readonly clock?: Clock;
}

/** A running emulator. */
export interface IotHubEmulator {
  /** The port that speaks all protocols. */
  readonly port: number;
  /** For connection strings: `localhost:{port}`, or `localhost` when all standard ports are bound. */
  readonly hostName: string;
  readonly boundPorts: readonly number[];
  /** Of policy `iothubowner`, with all rights. */
  readonly serviceConnectionString: string;
  /** The built-in endpoint's, for Event Hubs clients. Of policy `service`, which may read it. */
  readonly eventHubsConnectionString: string;
  /** PEM of the certificate authority, for clients to trust. */
  readonly caCertificate: string;
  /** Absolute paths. */
  readonly tls: { readonly caFile: string; readonly certFile: string; readonly keyFile: string };
  /** Those of the seed that have keys, in its order. */
  readonly seededDevices: readonly { readonly deviceId: string; readonly connectionString: string }[];
  /** With the device's primary key. @throws Error when there is no such device, or it has no keys. */
  deviceConnectionString(deviceId: string): string;
  /** Ends all connections and closes the database. Calling it again does nothing more. */
  close(): Promise<void>;
}

/** An option that cannot be. The message names the option and the remedy. */
export class EmulatorOptionError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'EmulatorOptionError';
  }
}

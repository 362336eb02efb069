import type { X509Certificate } from 'node:crypto';
import type { Logger } from 'pino';
import type { Store } from '../storage/store.js';
import type { SharedAccessPolicy } from './access/shared-access-policy.js';
import type { Clock } from './clock.js';
import type { LiveConnections } from './connections/live-connections.js';
import type { MessageLog } from './messages/message-log.js';
import type { BuiltInEndpoint } from './events/built-in-endpoint.js';
import type { PendingMethods } from './methods/pending-methods.js';
import type { HubMetrics } from './metrics/hub-metrics.js';
import type { JobChanges } from './jobs/job-changes.js';
import type { MessageQueues } from './queues/message-queues.js';
import type { ActivityLog } from './registry/activity-log.js';
import type { MessageRouting } from './routing/message-routing.js';
import type { UploadStorage } from './file-uploads/upload-storage.js';

/**
 * What every hub operation works on. Operations are plain functions `operation(hub, input)`, one a file, in the folders
 * beside this one; they know no protocol, validate their input, and throw {@link HubError}.
 * A promise of an operation that writes resolves only after the commit: acknowledge after awaiting it.
 */
export interface Hub {
  readonly name: string;
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly connections: LiveConnections;
  readonly routing: MessageRouting;
  /** The messages of devices, and the hub's own about them. */
  readonly log: MessageLog;
  /** What services read as an event hub. */
  readonly events: BuiltInEndpoint;
  readonly activity: ActivityLog;
  readonly pendingMethods: PendingMethods;
  readonly queues: MessageQueues;
  readonly jobs: JobChanges;
  /** What it counts of itself. */
  readonly metrics: HubMetrics;
  readonly policies: readonly SharedAccessPolicy[];
  /** Authorities whose signature on a device's certificate counts. Default: none. */
  readonly caCertificates?: readonly X509Certificate[];
  /** Lower-case names, without port, under which clients may address this hub (in tokens and MQTT user names). */
  readonly hostNames: ReadonlySet<string>;
  /** Where devices upload files to; absent when no storage is configured. */
  readonly uploadStorage?: UploadStorage;
}

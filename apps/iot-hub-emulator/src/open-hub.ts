import { appendFile, chmod } from 'node:fs/promises';
import path from 'node:path';
import { type Logger } from 'pino';
import { type IotHubEmulatorOptions } from './emulator-options.js';
import { developmentPolicies } from './hub/access/policies.js';
import { systemClock } from './hub/clock.js';
import { JobChanges } from './hub/jobs/job-changes.js';
import { LiveConnections } from './hub/connections/live-connections.js';
import { openBuiltInEndpoint } from './hub/events/open-built-in-endpoint.js';
import { storedPartitionCount } from './hub/events/partition-count.js';
import type { Hub } from './hub/hub.js';
import { MessageLog } from './hub/messages/message-log.js';
import { keepRetention } from './hub/messages/message-retention.js';
import { retentionMs } from './hub/messages/retention-time.js';
import type { DeliveryTarget } from './hub/routing/delivery-target.js';
import { MessageRouting } from './hub/routing/message-routing.js';
import { MessageQueues } from './hub/queues/message-queues.js';
import { readQueueSettings } from './hub/queues/queue-settings.js';
import { keepQueuesSwept } from './hub/queues/sweep-queues.js';
import { PendingMethods } from './hub/methods/pending-methods.js';
import { HubMetrics } from './hub/metrics/hub-metrics.js';
import { ActivityLog } from './hub/registry/activity-log.js';
import { recordConnectionState, recordNobodyConnected } from './hub/registry/connection-state.js';
import { DEFAULT_HOST, isLoopback } from './listen-address.js';
import { type HubBeginning } from './seed/read-seed.js';
import { openUploadStorage } from './storage/azure-upload-storage.js';
import { logId } from './storage/log-id.js';
import { Store } from './storage/store.js';
import { storedPolicies } from './storage/stored-policies.js';
import { readAuthorities } from './tls/authorities.js';
import { DEFAULT_TLS_NAMES } from './tls/tls-files.js';

export const DEFAULT_HUB_NAME = 'localhub';
const ACTIVITY_FLUSH_MS = 5000;

/** What a hub is opened with beside its options. */
export interface HubParts {
  readonly directory: string;
  readonly tlsNames: readonly string[];
  readonly caCertificate: string;
  readonly beginning: HubBeginning;
  readonly logger: Logger;
  readonly cleanups: (() => unknown)[];
}

/** Opens the hub on its database; whatever has to be undone is added to the clean-ups. */
export async function openHub(options: IotHubEmulatorOptions, parts: HubParts): Promise<Hub> {
  const { directory, tlsNames, logger, cleanups } = parts;
  const clock = options.clock ?? systemClock;
  const name = options.hubName ?? DEFAULT_HUB_NAME;
  const store = new Store(options.inMemory === true ? ':memory:' : await databaseFile(directory));
  cleanups.push(() => {
    store.close();
  });
  const metrics = new HubMetrics();
  store.onCommit = (durationMs, writes) => {
    metrics.commitDuration.observe(durationMs / 1000);
    metrics.commitWrites.observe(writes);
  };
  store.onLost = (cause) => {
    logger.error({ err: cause }, 'Not stored; nobody waits for it, and the hub goes on');
  };
  const log = new MessageLog(store, await storedPartitionCount(store, options.partitionCount));
  const routing = await openRouting({ name, store, log, clock, metrics }, parts);
  cleanups.push(() => routing.close());
  const activity = new ActivityLog(store);
  const policyKeys = options.policyKeys ?? (isLoopback(options.host ?? DEFAULT_HOST) ? 'development' : 'generated');
  const hub: Hub = {
    name,
    store,
    clock,
    logger,
    routing,
    log,
    events: await openBuiltInEndpoint({ store, log, clock }, options),
    activity,
    pendingMethods: new PendingMethods(),
    queues: new MessageQueues(clock, readQueueSettings(options.cloudToDevice)),
    jobs: new JobChanges(),
    metrics,
    policies: policyKeys === 'development' ? developmentPolicies() : await storedPolicies(store),
    caCertificates: await readAuthorities(parts.beginning.caCertificates),
    hostNames: new Set(
      [...DEFAULT_TLS_NAMES, ...tlsNames, name, `${name}.azure-devices.net`].map((text) => text.toLowerCase()),
    ),
    connections: new LiveConnections(logger, (deviceId, connected) => {
      activity.note(deviceId, clock.nowMs());
      recordConnectionState(hub, deviceId, connected);
    }),
    ...(options.storage === undefined
      ? {}
      : { uploadStorage: await openUploadStorage({ ...options.storage, caCertificate: parts.caCertificate }) }),
  };
  await recordNobodyConnected(hub);
  cleanups.push(keepRetention(hub, retentionMs(options)), keepActivityFlushed(hub), keepQueuesSwept(hub));
  return hub;
}

async function openRouting(
  { name, store, log, clock, metrics }: Pick<Hub, 'name' | 'store' | 'log' | 'clock' | 'metrics'>,
  { beginning, caCertificate, logger }: HubParts,
): Promise<MessageRouting> {
  const targets = new Map<string, DeliveryTarget>();
  const id = await logId(store);
  for (const endpoint of beginning.cosmosDbEndpoints) {
    // Its SDK takes a while to load, and most hubs have no such endpoint.
    const { openCosmosTarget } = await import('./storage/azure-cosmos-target.js');
    const target = openCosmosTarget({ endpoint, hubName: name, logId: id, caCertificate, logger });
    targets.set(endpoint.name, target);
  }
  const { routing } = beginning;
  return await store.write(
    () => new MessageRouting({ store, log, clock, logger, routing, targets, hubName: name, metrics }),
  );
}

/** The database holds device keys: for its owner alone. SQLite gives the files beside it the same mode. */
async function databaseFile(directory: string): Promise<string> {
  const file = path.join(directory, 'iot-hub.db');
  await appendFile(file, '', { mode: 0o600 });
  await chmod(file, 0o600);
  return file;
}

/** Writes noted activity out now and then. @returns a function that does so once more and stops. */
function keepActivityFlushed(hub: Hub): () => void {
  const timer = setInterval(() => {
    hub.activity.flush();
  }, ACTIVITY_FLUSH_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    hub.activity.flush();
  };
}

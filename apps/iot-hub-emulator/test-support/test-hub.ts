import { createHmac } from 'node:crypto';
import { pino } from 'pino';
import { developmentPolicies } from '../src/hub/access/policies.js';
import { LiveConnections } from '../src/hub/connections/live-connections.js';
import type { Hub } from '../src/hub/hub.js';
import { BuiltInEndpoint } from '../src/hub/events/built-in-endpoint.js';
import { ConsumerGroups } from '../src/hub/events/consumer-groups.js';
import { manualClock, type ManualClock } from './manual-clock.js';
import { JobChanges } from '../src/hub/jobs/job-changes.js';
import { PendingMethods } from '../src/hub/methods/pending-methods.js';
import { HubMetrics } from '../src/hub/metrics/hub-metrics.js';
import { MessageLog } from '../src/hub/messages/message-log.js';
import { DEFAULT_PARTITION_COUNT } from '../src/hub/messages/partition.js';
import { MessageQueues } from '../src/hub/queues/message-queues.js';
import { ActivityLog } from '../src/hub/registry/activity-log.js';
import { recordConnectionState } from '../src/hub/registry/connection-state.js';
import { MessageRouting } from '../src/hub/routing/message-routing.js';
import { Store } from '../src/storage/store.js';

export type TestHub = Hub & { readonly clock: ManualClock };

/** Noon of an ordinary day. */
export const START_MS = Date.UTC(2030, 0, 1, 12);

/** A hub in memory whose clock goes only when told to. Close its store at the end. */
export function aHub(parts: Partial<Hub> = {}): TestHub {
  const store = parts.store ?? new Store(':memory:');
  const clock = manualClock(START_MS);
  const logger = pino({ level: 'silent' });
  const log = parts.log ?? new MessageLog(store, DEFAULT_PARTITION_COUNT);
  const routing = new MessageRouting({ store, log, clock, logger });
  const hub: TestHub = {
    name: 'testhub',
    store,
    routing,
    log,
    events: new BuiltInEndpoint({
      store,
      log,
      consumerGroups: new ConsumerGroups(),
      createdMs: START_MS,
    }),
    clock,
    logger,
    activity: new ActivityLog(store),
    pendingMethods: new PendingMethods(),
    queues: new MessageQueues(clock),
    jobs: new JobChanges(),
    metrics: new HubMetrics(),
    policies: developmentPolicies(),
    hostNames: new Set(['localhost', 'testhub.azure-devices.net']),
    connections: new LiveConnections(logger, (deviceId, connected) => {
      recordConnectionState(hub, deviceId, connected);
    }),
    ...parts,
  } as TestHub;
  return hub;
}

/** A shared access signature over `resource` exactly as given. */
export function aToken(resource: string, key: string, expiresAtMs: number, policyName?: string): string {
  const expiry = Math.floor(expiresAtMs / 1000);
  const signature = createHmac('sha256', Buffer.from(key, 'base64')).update(`${resource}\n${expiry}`).digest('base64');
  const policy = policyName === undefined ? '' : `&skn=${policyName}`;
  return `SharedAccessSignature sr=${resource}&sig=${encodeURIComponent(signature)}&se=${expiry}${policy}`;
}

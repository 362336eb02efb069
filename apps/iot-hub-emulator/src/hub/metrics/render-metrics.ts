import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Store } from '../../storage/store.js';
import type { Hub } from '../hub.js';

/** Of the process as a whole, however many hubs are in it; made when somebody first asks. */
let processMetrics: Registry | undefined;

/** All metrics of a hub and of its process, as Prometheus reads them. */
export async function renderMetrics(hub: Hub): Promise<{ contentType: string; text: string }> {
  if (processMetrics === undefined) {
    processMetrics = new Registry();
    collectDefaultMetrics({ register: processMetrics });
  }
  lookUp(hub);
  const all = Registry.merge([hub.metrics.registry, processMetrics]);
  return { contentType: all.contentType, text: await all.metrics() };
}

/** What nobody counts, since it can be looked up. */
function lookUp({ metrics, connections, routing, store }: Hub): void {
  metrics.connectedDevices.set(connections.size);
  metrics.storeBytes.set(store.usedBytes());
  metrics.logMessages.set(logLength(store));
  metrics.queuedForDevices.set(queuedForDevices(store));
  for (const { name, pending } of routing.health()) metrics.backlog.set({ endpoint: name }, pending);
}

/** The log loses its oldest messages alone, and its numbers have no gaps to speak of: no need to count. */
function logLength(store: Store): number {
  const { length } = store
    .sql(
      `SELECT COALESCE((SELECT MAX(last_sequence) FROM message_runs)
         - (SELECT last_sequence - messages FROM message_runs ORDER BY last_sequence LIMIT 1), 0) AS length`,
    )
    .get() as { length: number };
  return length;
}

function queuedForDevices(store: Store): number {
  const { count } = store.sql('SELECT count(*) AS count FROM device_messages').get() as { count: number };
  return count;
}

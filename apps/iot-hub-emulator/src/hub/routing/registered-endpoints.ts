import type { Logger } from 'pino';
import type { Store } from '../../storage/store.js';
import type { MessageLog } from '../messages/message-log.js';
import { countLog } from '../messages/read-log.js';
import { MAX_CUSTOM_ENDPOINTS } from './routing-config.js';

/** A custom endpoint as the database knows it. */
export interface RegisteredEndpoint {
  readonly name: string;
  /** Its place in sets of endpoints, from 1 on. */
  readonly bit: number;
  readonly deliveredThrough: number;
}

/**
 * Makes the database's endpoints be these: new ones begin at the log's end, those that are gone lose what waits for them.
 * For use within a write.
 */
export function registerEndpoints(
  { store, log, logger }: { store: Store; log: MessageLog; logger: Logger },
  names: readonly string[],
): RegisteredEndpoint[] {
  const found = store
    .sql('SELECT name, bit, delivered_through AS deliveredThrough FROM routing_endpoints')
    .all() as unknown as RegisteredEndpoint[];
  for (const { name, bit, deliveredThrough } of found.filter((endpoint) => !names.includes(endpoint.name))) {
    const lost = countLog(store, { bit: 1 << bit, after: deliveredThrough });
    if (lost > 0)
      logger.warn({ endpoint: name, lost }, 'Endpoint is configured no more: what waited for it is dropped');
    store.sql('DELETE FROM routing_endpoints WHERE name = ?').run(name);
  }
  const kept = found.filter((endpoint) => names.includes(endpoint.name));
  const free = Array.from({ length: MAX_CUSTOM_ENDPOINTS }, (_, index) => index + 1).filter(
    (bit) => !kept.some((endpoint) => endpoint.bit === bit),
  );
  const added = names
    .filter((name) => !kept.some((endpoint) => endpoint.name === name))
    .map((name): RegisteredEndpoint => {
      const bit = free.shift();
      if (bit === undefined) throw new Error(`A hub has at most ${MAX_CUSTOM_ENDPOINTS} endpoints.`);
      return { name, bit, deliveredThrough: log.lastSequenceNumber };
    });
  const insert = store.sql('INSERT INTO routing_endpoints (name, bit, delivered_through) VALUES (?, ?, ?)');
  for (const { name, bit, deliveredThrough } of added) insert.run(name, bit, deliveredThrough);
  return [...kept, ...added];
}

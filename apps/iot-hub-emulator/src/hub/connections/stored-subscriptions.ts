import type { Hub } from '../hub.js';
import { identityColumns, type Identity } from '../identity.js';

/** A topic filter a device or module has subscribed to. */
export interface StoredSubscription {
  readonly filter: string;
  readonly qos: 0 | 1;
}

/** The subscriptions kept for a device's session (clean = 0), in no particular order. */
export function loadSubscriptions(hub: Hub, identity: Identity): StoredSubscription[] {
  const rows = hub.store
    .sql('SELECT filter, qos FROM stored_subscriptions WHERE device_id = ? AND module_id = ?')
    .all(...identityColumns(identity));
  return rows as unknown as StoredSubscription[];
}

/** Keeps exactly these subscriptions for the device's session; an empty list ends it. @returns once they are on disk. */
export function saveSubscriptions(
  hub: Hub,
  identity: Identity,
  subscriptions: readonly StoredSubscription[],
): Promise<void> {
  return hub.store.write(() => {
    const columns = identityColumns(identity);
    hub.store.sql('DELETE FROM stored_subscriptions WHERE device_id = ? AND module_id = ?').run(...columns);
    const insert = hub.store.sql(
      'INSERT INTO stored_subscriptions (device_id, module_id, filter, qos) VALUES (?, ?, ?, ?)',
    );
    for (const { filter, qos } of subscriptions) insert.run(...columns, filter, qos);
  });
}

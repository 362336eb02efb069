import type { Hub } from '../hub.js';

/** A topic filter a device has subscribed to. */
export interface StoredSubscription {
  readonly filter: string;
  readonly qos: 0 | 1;
}

/** The subscriptions kept for a device's session (clean = 0), in no particular order. */
export function loadSubscriptions(hub: Hub, deviceId: string): StoredSubscription[] {
  const rows = hub.store.sql('SELECT filter, qos FROM stored_subscriptions WHERE device_id = ?').all(deviceId);
  return rows as unknown as StoredSubscription[];
}

/** Keeps exactly these subscriptions for the device's session; an empty list ends it. @returns once they are on disk. */
export function saveSubscriptions(
  hub: Hub,
  deviceId: string,
  subscriptions: readonly StoredSubscription[],
): Promise<void> {
  return hub.store.write(() => {
    hub.store.sql('DELETE FROM stored_subscriptions WHERE device_id = ?').run(deviceId);
    const insert = hub.store.sql('INSERT INTO stored_subscriptions (device_id, filter, qos) VALUES (?, ?, ?)');
    for (const { filter, qos } of subscriptions) insert.run(deviceId, filter, qos);
  });
}

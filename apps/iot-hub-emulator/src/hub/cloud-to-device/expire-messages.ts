import type { Hub } from '../hub.js';
import { DUE, endMessages } from './end-message.js';

/** Dead-letters messages whose time is over, also those that a device holds; a great many in several goes. For use within a write. */
export function expireMessages(hub: Hub, nowMs: number): void {
  endMessages(hub, 'Expired', DUE, nowMs);
}

/** When the next message expires; `Infinity` when there is none. */
export function nextMessageExpiryMs({ store }: Hub): number {
  const row = store.sql('SELECT MIN(expires_ms) AS next FROM device_messages').get() as { next: number | null };
  return row.next ?? Infinity;
}

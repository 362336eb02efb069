import type { Hub } from '../hub.js';
import { requireDevice } from '../registry/find-identity.js';
import { DUE, endMessages } from './end-message.js';

/** What became of a queue that was purged. */
export interface PurgeResult {
  readonly deviceId: string;
  readonly moduleId: null;
  readonly totalMessagesPurged: number;
}

/** Empties a device's queue, of messages it holds too. @throws {@link HubError} `DeviceNotFound`. */
export async function purgeMessages(hub: Hub, deviceId: string): Promise<PurgeResult> {
  requireDevice(hub, deviceId);
  const purged = await hub.store.write(() => {
    const nowMs = hub.clock.nowMs();
    endMessages(hub, 'Expired', DUE, nowMs);
    return endMessages(hub, 'Purged', 'device_id = ?', deviceId);
  });
  return { deviceId, moduleId: null, totalMessagesPurged: purged.length };
}

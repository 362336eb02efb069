import type { Hub } from '../hub.js';

/** Notes that the device did something just now. Cheap: written out by {@link ActivityLog.flush}. */
export function noteActivity(hub: Hub, deviceId: string): void {
  hub.activity.note(deviceId, hub.clock.nowMs());
}

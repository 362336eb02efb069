import type { Hub } from '../hub.js';

/** How many devices are registered. */
export function deviceStatistics(hub: Hub) {
  const { total, enabled } = hub.store
    .sql(
      `SELECT count(*) AS total, count(*) FILTER (WHERE status = 'enabled') AS enabled
       FROM identities WHERE module_id = ''`,
    )
    .get() as { total: number; enabled: number };
  return { totalDeviceCount: total, enabledDeviceCount: enabled, disabledDeviceCount: total - enabled };
}

/** How many devices are connected; their modules do not count. */
export function serviceStatistics(hub: Hub) {
  return { connectedDeviceCount: hub.connections.deviceCount };
}

import type { ContainerDefinition } from './container-definition.js';

const DAY_SECONDS = 86_400;

/** Routed messages are kept for so many days. */
export const TELEMETRY_DAYS = 30;

/**
 * The container that IoT Hub routes messages into, one document each. Names with a hyphen are quoted in paths. Bodies are
 * not indexed: they are most of the bytes, and nothing asks for them.
 *
 * @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-endpoints
 */
export const TELEMETRY_CONTAINER: ContainerDefinition = {
  partitionKeyPath: '/partitionKey',
  defaultTtlSeconds: TELEMETRY_DAYS * DAY_SECONDS,
  includedPaths: ['/*'],
  excludedPaths: ['/Body/*', '/"_etag"/?'],
  descendingTogether: [['/SystemProperties/"iothub-enqueuedtime"', '/id']],
};

/** The partition of a device's messages of one month, as the routing endpoint's template `{deviceid}-{YYYY}-{MM}` makes it. */
export function telemetryPartition(deviceId: string, month: { readonly year: number; readonly month: number }): string {
  const digits = (value: number, count: number) => String(value).padStart(count, '0');
  return `${deviceId}-${digits(month.year, 4)}-${digits(month.month, 2)}`;
}

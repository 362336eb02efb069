/**
 * What a message of the log came from, by its annotation `iothub-message-source`.
 *
 * @see https://learn.microsoft.com/azure/iot-hub/iot-hub-non-telemetry-event-schema
 */
export type MessageSource =
  'Telemetry' | 'twinChangeEvents' | 'deviceLifecycleEvents' | 'moduleLifecycleEvents' | 'deviceConnectionStateEvents';

/** Sources by the names routes have for them. */
export const ROUTE_SOURCES = {
  DeviceMessages: 'Telemetry',
  TwinChangeEvents: 'twinChangeEvents',
  DeviceLifecycleEvents: 'deviceLifecycleEvents',
  ModuleLifecycleEvents: 'moduleLifecycleEvents',
  DeviceConnectionStateEvents: 'deviceConnectionStateEvents',
} as const satisfies Record<string, MessageSource>;

export type RouteSource = keyof typeof ROUTE_SOURCES;

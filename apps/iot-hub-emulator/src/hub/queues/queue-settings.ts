/** How a queue of messages for services behaves. */
export interface ServiceQueueSettings {
  /** How long a message may wait, in milliseconds: 1 minute to 2 days, default 1 hour. */
  readonly ttlMs: number;
  /** How long a receiver may keep a message for itself, in milliseconds: 5 to 300 seconds, default 60 seconds. */
  readonly lockMs: number;
  /** How often a message may be given back, 1 to 100, before it is dropped. Default 10. */
  readonly maxDeliveryCount: number;
}

/**
 * How the hub keeps messages to devices, and what it tells services.
 *
 * @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-messages-c2d#cloud-to-device-configuration-options
 */
export interface QueueSettings {
  /** Life of a message to a device that sets no expiry, in milliseconds: 1 minute to 2 days, default 1 hour. */
  readonly defaultTtlMs: number;
  /** How often a device may abandon a message, 1 to 100, before it is dead-lettered. Default 10. */
  readonly maxDeliveryCount: number;
  readonly feedback: ServiceQueueSettings;
  readonly fileNotifications: ServiceQueueSettings;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** No message waits longer, whatever it asks for. */
export const MAX_TTL_MS = 48 * HOUR_MS;
/** How long a device may keep a message before it is given out again: fixed. */
export const DEVICE_LOCK_MS = MINUTE_MS;

const SERVICE_QUEUE: ServiceQueueSettings = { ttlMs: HOUR_MS, lockMs: MINUTE_MS, maxDeliveryCount: 10 };

/** What IoT Hub begins with. */
export const DEFAULT_QUEUE_SETTINGS: QueueSettings = {
  defaultTtlMs: HOUR_MS,
  maxDeliveryCount: 10,
  feedback: SERVICE_QUEUE,
  fileNotifications: SERVICE_QUEUE,
};

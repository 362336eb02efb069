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

/** As {@link QueueSettings}; what is left out has its default. */
export interface QueueOptions extends Partial<Omit<QueueSettings, 'feedback' | 'fileNotifications'>> {
  readonly feedback?: Partial<ServiceQueueSettings>;
  readonly fileNotifications?: Partial<ServiceQueueSettings>;
}

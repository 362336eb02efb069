import { EmulatorOptionError } from '../../emulator-options.js';
import type { QueueOptions, QueueSettings, ServiceQueueSettings } from './queue-options.js';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
/** No message waits longer, whatever it asks for. */
export const MAX_TTL_MS = 48 * HOUR_MS;
/** How long a device may keep a message before it is given out again: fixed. */
export const DEVICE_LOCK_MS = MINUTE_MS;

const RANGES: Readonly<Record<string, readonly [min: number, max: number]>> = {
  defaultTtlMs: [MINUTE_MS, MAX_TTL_MS],
  ttlMs: [MINUTE_MS, MAX_TTL_MS],
  lockMs: [5 * SECOND_MS, 300 * SECOND_MS],
  maxDeliveryCount: [1, 100],
};

/** The settings that the options make. @throws {@link EmulatorOptionError} when one is out of its range. */
export function readQueueSettings(options: QueueOptions = {}): QueueSettings {
  const { feedback, fileNotifications, ...own } = options;
  return {
    defaultTtlMs: HOUR_MS,
    maxDeliveryCount: 10,
    ...checked('cloudToDevice', own),
    feedback: serviceQueue('cloudToDevice.feedback', feedback),
    fileNotifications: serviceQueue('cloudToDevice.fileNotifications', fileNotifications),
  };
}

const serviceQueue = (name: string, options: Partial<ServiceQueueSettings> = {}): ServiceQueueSettings => ({
  ttlMs: HOUR_MS,
  lockMs: MINUTE_MS,
  maxDeliveryCount: 10,
  ...checked(name, options),
});

function checked<T extends object>(parent: string, options: T): T {
  for (const [name, value] of Object.entries(options) as [string, number][]) {
    const [min, max] = RANGES[name] ?? [-Infinity, Infinity];
    if (!Number.isInteger(value) || value < min || value > max) {
      throw new EmulatorOptionError(`${parent}.${name} must be a whole number from ${min} to ${max}.`);
    }
  }
  return options;
}

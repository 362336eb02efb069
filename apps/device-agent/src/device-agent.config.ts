import { join } from 'node:path';
import { z } from 'zod';
import { captureSettings } from '#libs/capture';
import { AppError, loadSettings, LOG_LEVELS } from '#libs/runtime';
import type { OutboxOptions } from './outbox/outbox.js';

/** Every environment variable that the agent reads. */
const DEVICE_AGENT_SETTINGS = z.object({
  ...captureSettings,
  /** `HostName=…;DeviceId=…;SharedAccessKey=…`; what captures to a file needs none. */
  IOT_HUB_DEVICE_CONNECTION_STRING: z.string().optional(),
  /** PEM file of a certificate authority to trust beside the usual ones. */
  CA_FILE: z.string().optional(),
  /** Folder for what must survive a restart; without one, messages that wait for a connection are kept in memory. */
  AGENT_DATA_DIR: z.string().optional(),
  /** How many bytes of messages may wait for a connection. */
  AGENT_OUTBOX_MAX_BYTES: z.coerce
    .number()
    .int()
    .min(64 * 1024)
    .default(16 * 1024 * 1024),
  AGENT_LOG_LEVEL: z.enum(LOG_LEVELS).default('info'),
  /** Set by systemd for a service of `Type=notify`, with a watchdog if it has one. */
  NOTIFY_SOCKET: z.string().optional(),
  WATCHDOG_USEC: z.coerce.number().int().min(0).optional(),
  WATCHDOG_PID: z.coerce.number().int().min(1).optional(),
});

export type DeviceAgentSettings = Readonly<z.infer<typeof DEVICE_AGENT_SETTINGS>>;

/**
 * Reads the settings from the environment; what `flags` names comes first.
 *
 * @throws {@link AppError} `SETTINGS.INVALID` naming every variable that breaks its rule
 */
export function loadDeviceAgentSettings(flags: Readonly<Record<string, string | undefined>> = {}): DeviceAgentSettings {
  const given = Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
  return Object.freeze(loadSettings(DEVICE_AGENT_SETTINGS, { ...process.env, ...given }));
}

/** @throws {@link AppError} `SETTINGS.INVALID` when there is none */
export function connectionStringOf({ IOT_HUB_DEVICE_CONNECTION_STRING }: DeviceAgentSettings): string {
  if (IOT_HUB_DEVICE_CONNECTION_STRING) return IOT_HUB_DEVICE_CONNECTION_STRING;
  throw new AppError('SETTINGS.INVALID', 'Invalid settings:\n  IOT_HUB_DEVICE_CONNECTION_STRING: is required', {
    hint: 'Set it to the connection string that the hub shows for the device; npm start prints that of device001.',
  });
}

/** How messages are kept that wait for a connection. */
export function outboxOptionsOf({ AGENT_DATA_DIR, AGENT_OUTBOX_MAX_BYTES }: DeviceAgentSettings): OutboxOptions {
  return {
    file: AGENT_DATA_DIR === undefined ? undefined : join(AGENT_DATA_DIR, 'outbox.db'),
    maxBytes: AGENT_OUTBOX_MAX_BYTES,
  };
}

import { z } from 'zod';
import { captureSettings } from '#libs/capture';
import { AppError, loadSettings, LOG_LEVELS } from '#libs/runtime';

/** Every environment variable that the agent reads. */
const DEVICE_AGENT_SETTINGS = z.object({
  ...captureSettings,
  /** `HostName=…;DeviceId=…;SharedAccessKey=…`; what captures to a file needs none. */
  IOT_HUB_DEVICE_CONNECTION_STRING: z.string().optional(),
  /** PEM file of a certificate authority to trust beside the usual ones. */
  CA_FILE: z.string().optional(),
  AGENT_LOG_LEVEL: z.enum(LOG_LEVELS).default('info'),
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

import { EmulatorOptionError } from '../../emulator-options.js';

const DAY_MS = 24 * 60 * 60 * 1000;

/** @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-messages-read-builtin */
const MIN_DAYS = 1;
const MAX_DAYS = 7;

/** How long messages are kept, in milliseconds. @throws {@link EmulatorOptionError} for a time that IoT Hub does not have. */
export function retentionMs(options: { retentionDays?: number; messageRetentionMs?: number }): number {
  const { retentionDays = MIN_DAYS, messageRetentionMs } = options;
  if (!Number.isInteger(retentionDays) || retentionDays < MIN_DAYS || retentionDays > MAX_DAYS) {
    throw new EmulatorOptionError(
      `Messages are kept for ${MIN_DAYS} to ${MAX_DAYS} whole days, not ${retentionDays}: change --retention-days or IOT_HUB_EMULATOR_RETENTION_DAYS.`,
    );
  }
  return messageRetentionMs ?? retentionDays * DAY_MS;
}

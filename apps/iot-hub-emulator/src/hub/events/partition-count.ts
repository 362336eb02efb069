import { EmulatorOptionError } from '../../emulator-options.js';
import type { Store } from '../../storage/store.js';
import { DEFAULT_PARTITION_COUNT } from '../messages/partition.js';

/** @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-messages-read-builtin */
const MIN_PARTITIONS = 2;
const MAX_PARTITIONS = 32;

/**
 * How many partitions the built-in endpoint has: fixed when the database is made, as in IoT Hub, so that a device's
 * messages stay in one partition.
 *
 * @throws {@link EmulatorOptionError} for a number that cannot be, or another one than the database has.
 */
export async function storedPartitionCount(store: Store, wanted: number | undefined): Promise<number> {
  if (wanted !== undefined && !(Number.isInteger(wanted) && wanted >= MIN_PARTITIONS && wanted <= MAX_PARTITIONS)) {
    throw new EmulatorOptionError(`A hub has ${MIN_PARTITIONS} to ${MAX_PARTITIONS} partitions, not ${wanted}.`);
  }
  const row = store.sql(`SELECT value FROM settings WHERE name = 'partitionCount'`).get() as
    { value: string } | undefined;
  const found = row === undefined && hasMessages(store) ? DEFAULT_PARTITION_COUNT : row && Number(row.value);
  const count = found ?? wanted ?? DEFAULT_PARTITION_COUNT;
  if (wanted !== undefined && wanted !== count) {
    throw new EmulatorOptionError(
      `The hub in this data directory has ${count} partitions, and their number never changes: leave the option out, or use another data directory.`,
    );
  }
  if (row === undefined) {
    await store.write(() => {
      store.sql(`INSERT INTO settings (name, value) VALUES ('partitionCount', ?)`).run(String(count));
    });
  }
  return count;
}

/** Whether the database is older than the setting. */
const hasMessages = (store: Store): boolean => store.sql('SELECT 1 FROM message_runs LIMIT 1').get() !== undefined;

import type { DeviceMessage } from './device-message.js';

/** A device-to-cloud message or batch: body, system property values, user property names and values, in bytes. */
export const MAX_MESSAGE_BYTES = 256 * 1024;

/** What of a message counts for {@link MAX_MESSAGE_BYTES}. */
export function messageSizeBytes({ body, systemProperties, properties }: DeviceMessage): number {
  let sizeBytes = body.byteLength;
  for (const value of Object.values(systemProperties) as string[]) sizeBytes += Buffer.byteLength(value);
  for (const [name, value] of Object.entries(properties))
    sizeBytes += Buffer.byteLength(name) + Buffer.byteLength(value);
  return sizeBytes;
}

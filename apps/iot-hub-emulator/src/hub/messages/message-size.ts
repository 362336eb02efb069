import type { DeviceMessage, MessageSystemProperties } from './device-message.js';

/** A device-to-cloud message or batch: body, system property values, user property names and values, in bytes. */
export const MAX_MESSAGE_BYTES = 256 * 1024;

/** Messages in one batch. @see https://learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits#azure-iot-hub-limits */
export const MAX_BATCH_MESSAGES = 500;
/** Characters of a message id, to the cloud or to a device. @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-messages-construct */
export const MAX_MESSAGE_ID_LENGTH = 128;

/** What of a message counts for {@link MAX_MESSAGE_BYTES}. */
export function messageSizeBytes({ body, systemProperties, properties }: DeviceMessage): number {
  let sizeBytes = body.byteLength;
  let name: keyof MessageSystemProperties;
  for (name in systemProperties) sizeBytes += Buffer.byteLength(systemProperties[name] ?? '');
  for (const key in properties) sizeBytes += Buffer.byteLength(key) + Buffer.byteLength(properties[key] ?? '');
  return sizeBytes;
}

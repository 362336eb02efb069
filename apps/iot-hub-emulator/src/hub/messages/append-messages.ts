import type { DeviceIdentity } from '../access/device-identity.js';
import { HubError } from '../errors/hub-errors.js';
import type { Hub } from '../hub.js';
import type { DeviceMessage } from './device-message.js';
import { partitionOf } from './partition.js';

/** A device-to-cloud message or batch: body, system property values, user property names and values, in bytes. */
export const MAX_MESSAGE_BYTES = 256 * 1024;

const INSERT = `INSERT INTO messages
  (partition_id, enqueued_ms, device_id, generation_id, auth_scope, system_properties, properties, body)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;

/**
 * Appends device-to-cloud messages to the hub's log, in order. A will is a message like any other, with the property
 * `iothub-MessageType=Will`.
 *
 * @returns once all of them are on disk: acknowledge then.
 * @throws {@link HubError} `MessageTooLarge` when they exceed {@link MAX_MESSAGE_BYTES} together; then none is kept.
 */
export async function appendMessages(
  hub: Hub,
  device: DeviceIdentity,
  messages: readonly DeviceMessage[],
): Promise<void> {
  const sizeBytes = messages.reduce((sum, message) => sum + messageSizeBytes(message), 0);
  if (sizeBytes > MAX_MESSAGE_BYTES) {
    throw new HubError('MessageTooLarge', `The message has ${sizeBytes} bytes; the limit is ${MAX_MESSAGE_BYTES}.`);
  }
  hub.activity.note(device.deviceId, hub.clock.nowMs());
  const insert = () => {
    const statement = hub.store.sql(INSERT);
    const partition = partitionOf(device.deviceId);
    for (const { systemProperties, properties, body } of messages) {
      statement.run(
        partition,
        hub.clock.nowMs(),
        device.deviceId,
        device.generationId,
        device.authScope,
        JSON.stringify(systemProperties),
        JSON.stringify(properties),
        body,
      );
    }
  };
  await (messages.length === 1 ? hub.store.writeOne(insert) : hub.store.write(insert));
}

function messageSizeBytes({ body, systemProperties, properties }: DeviceMessage): number {
  let sizeBytes = body.byteLength;
  for (const value of Object.values(systemProperties) as string[]) sizeBytes += Buffer.byteLength(value);
  for (const [name, value] of Object.entries(properties))
    sizeBytes += Buffer.byteLength(name) + Buffer.byteLength(value);
  return sizeBytes;
}

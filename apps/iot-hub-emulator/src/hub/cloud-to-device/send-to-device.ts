import { utcText } from '../clock.js';
import { HubError } from '../errors/hub-errors.js';
import type { Hub } from '../hub.js';
import { MAX_MESSAGE_ID_LENGTH } from '../messages/message-size.js';
import { MAX_TTL_MS } from '../queues/queue-settings.js';
import { requireDevice } from '../registry/find-identity.js';
import type { DeviceBoundMessage, FeedbackMode } from './device-bound-message.js';
import { wakeDevice } from './wake-device.js';

/** Messages that may wait for one device. */
export const MAX_QUEUE_DEPTH = 50;
/** Body, system property values, application property names and values, in bytes. */
export const MAX_DEVICE_BOUND_BYTES = 64 * 1024;
const FEEDBACK_MODES: ReadonlySet<string> = new Set<FeedbackMode>(['none', 'positive', 'negative', 'full']);

/**
 * Puts a message into a device's queue, whether or not the device is connected or enabled.
 *
 * @returns once it is on disk: acknowledge then.
 * @throws {@link HubError} `ArgumentInvalid`, `MessageTooLarge`, `DeviceNotFound`, `DeviceMaximumQueueDepthExceeded`.
 * @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-messages-c2d
 */
export async function sendToDevice(hub: Hub, deviceId: string, message: DeviceBoundMessage): Promise<void> {
  check(message);
  const { body, properties } = message;
  const { ack, ...rest } = message.systemProperties;
  const systemProperties = ack === undefined ? rest : { ...rest, ack: ack.toLowerCase() };
  const nowMs = hub.clock.nowMs();
  const expiresMs = expiryOf(hub, message, nowMs);
  let sequenceNumber: number | undefined;
  try {
    await hub.store.write(() => {
      const { generation_id } = requireDevice(hub, deviceId);
      checkDepth(hub, deviceId, nowMs);
      const inserted = hub.store
        .sql(
          `INSERT INTO device_messages
             (device_id, generation_id, enqueued_ms, expires_ms, system_properties, properties, body)
           VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING sequence_number`,
        )
        .get(
          deviceId,
          generation_id,
          nowMs,
          expiresMs,
          JSON.stringify(systemProperties),
          JSON.stringify(properties),
          body,
        ) as { sequence_number: number };
      sequenceNumber = inserted.sequence_number;
      // A device must not see what a commit that fails will take back.
      hub.queues.deviceLocks.hide(sequenceNumber);
    });
  } finally {
    if (sequenceNumber !== undefined) hub.queues.deviceLocks.show([sequenceNumber]);
  }
  hub.metrics.cloudToDevice.add('enqueued');
  hub.queues.sweepBy(expiresMs);
  wakeDevice(hub, deviceId);
}

function checkDepth(hub: Hub, deviceId: string, nowMs: number): void {
  const { depth } = hub.store
    .sql('SELECT count(*) AS depth FROM device_messages WHERE device_id = ? AND expires_ms > ?')
    .get(deviceId, nowMs) as { depth: number };
  if (depth >= MAX_QUEUE_DEPTH) {
    throw new HubError(
      'DeviceMaximumQueueDepthExceeded',
      `The queue of device ${deviceId} holds ${depth} messages; the limit is ${MAX_QUEUE_DEPTH}.`,
    );
  }
}

function check(message: DeviceBoundMessage): void {
  const sizeBytes = sizeOf(message);
  if (sizeBytes > MAX_DEVICE_BOUND_BYTES) {
    throw new HubError(
      'MessageTooLarge',
      `The message has ${sizeBytes} bytes; the limit is ${MAX_DEVICE_BOUND_BYTES}.`,
    );
  }
  const { messageId = '', ack } = message.systemProperties;
  if (messageId.length > MAX_MESSAGE_ID_LENGTH) {
    throw new HubError('ArgumentInvalid', `The message id is longer than ${MAX_MESSAGE_ID_LENGTH} characters.`);
  }
  if (ack !== undefined && !FEEDBACK_MODES.has(ack.toLowerCase())) {
    throw new HubError('ArgumentInvalid', `iothub-ack must be one of ${[...FEEDBACK_MODES].join(', ')}.`);
  }
}

/** When the message expires; no later than the longest life allows. @throws {@link HubError} `ArgumentInvalid`. */
function expiryOf({ queues }: Hub, { systemProperties: { expiryTimeUtc } }: DeviceBoundMessage, nowMs: number): number {
  if (expiryTimeUtc === undefined) return nowMs + queues.settings.defaultTtlMs;
  const expiresMs = Date.parse(expiryTimeUtc);
  if (Number.isNaN(expiresMs)) {
    throw new HubError('ArgumentInvalid', `The expiry is not an ISO 8601 time such as ${utcText(nowMs)}.`);
  }
  return Math.min(expiresMs, nowMs + MAX_TTL_MS);
}

function sizeOf({ body, systemProperties, properties }: DeviceBoundMessage): number {
  let sizeBytes = body.byteLength;
  for (const value of Object.values(systemProperties) as string[]) sizeBytes += Buffer.byteLength(value);
  for (const [name, value] of Object.entries(properties)) {
    sizeBytes += Buffer.byteLength(name) + Buffer.byteLength(value ?? '');
  }
  return sizeBytes;
}

import type { DeviceIdentity } from '../access/device-identity.js';
import { HubError } from '../errors/hub-errors.js';
import type { Hub } from '../hub.js';
import type { DeviceMessage } from './device-message.js';
import type { HubMessage } from './hub-message.js';
import { appendToLog } from './message-log.js';
import { MAX_BATCH_MESSAGES, MAX_MESSAGE_BYTES, MAX_MESSAGE_ID_LENGTH, messageSizeBytes } from './message-size.js';

/**
 * Appends device-to-cloud messages to the hub's log, in order; routes decide for which endpoints. A will is a message like any other, with the property
 * `iothub-MessageType=Will`.
 *
 * @returns a promise that resolves once all of them are on disk: acknowledge then. For a single message it is that of the
 *   commit, the same for all that share it.
 * @throws at once, {@link HubError} `MessageTooLarge` when they exceed {@link MAX_MESSAGE_BYTES} together, `ArgumentInvalid`
 *   for too many or too long a message id; then none is kept.
 */
export function appendMessages(hub: Hub, device: DeviceIdentity, messages: readonly DeviceMessage[]): Promise<void> {
  check(messages);
  const enqueuedMs = hub.clock.nowMs();
  hub.activity.note(device, enqueuedMs);
  const append = () => {
    for (const message of messages) appendToLog(hub, telemetry(device, message, enqueuedMs));
  };
  return messages.length === 1 ? hub.store.writeOne(append) : hub.store.write(append);
}

const telemetry = (device: DeviceIdentity, message: DeviceMessage, enqueuedMs: number): HubMessage => ({
  source: 'Telemetry',
  deviceId: device.deviceId,
  moduleId: device.moduleId,
  generationId: device.generationId,
  authScope: device.authScope,
  authType: device.authType,
  enqueuedMs,
  systemProperties: message.systemProperties,
  properties: message.properties,
  body: message.body,
});

function check(messages: readonly DeviceMessage[]): void {
  let sizeBytes = 0;
  for (const message of messages) sizeBytes += messageSizeBytes(message);
  if (sizeBytes > MAX_MESSAGE_BYTES) {
    throw new HubError('MessageTooLarge', `The message has ${sizeBytes} bytes; the limit is ${MAX_MESSAGE_BYTES}.`);
  }
  if (messages.length > MAX_BATCH_MESSAGES) {
    throw new HubError(
      'ArgumentInvalid',
      `The batch has ${messages.length} messages; the limit is ${MAX_BATCH_MESSAGES}.`,
    );
  }
  if (messages.some(({ systemProperties }) => (systemProperties.messageId?.length ?? 0) > MAX_MESSAGE_ID_LENGTH)) {
    throw new HubError('ArgumentInvalid', `The message id is longer than ${MAX_MESSAGE_ID_LENGTH} characters.`);
  }
}

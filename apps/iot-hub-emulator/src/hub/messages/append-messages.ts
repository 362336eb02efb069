import type { DeviceIdentity } from '../access/device-identity.js';
import { HubError } from '../errors/hub-errors.js';
import type { Hub } from '../hub.js';
import type { DeviceMessage } from './device-message.js';
import { appendToLog } from './message-log.js';
import { MAX_BATCH_MESSAGES, MAX_MESSAGE_BYTES, MAX_MESSAGE_ID_LENGTH, messageSizeBytes } from './message-size.js';

/**
 * Appends device-to-cloud messages to the hub's log, in order; routes decide for which endpoints. A will is a message like any other, with the property
 * `iothub-MessageType=Will`.
 *
 * @returns once all of them are on disk: acknowledge then.
 * @throws {@link HubError} `MessageTooLarge` when they exceed {@link MAX_MESSAGE_BYTES} together, `ArgumentInvalid` for too
 *   many or too long a message id; then none is kept.
 */
export async function appendMessages(
  hub: Hub,
  device: DeviceIdentity,
  messages: readonly DeviceMessage[],
): Promise<void> {
  check(messages);
  hub.activity.note(device, hub.clock.nowMs());
  const { deviceId, moduleId, generationId, authScope, authType } = device;
  const append = () => {
    const enqueuedMs = hub.clock.nowMs();
    for (const message of messages) {
      appendToLog(hub, {
        source: 'Telemetry',
        deviceId,
        moduleId,
        generationId,
        authScope,
        authType,
        enqueuedMs,
        ...message,
      });
    }
  };
  await (messages.length === 1 ? hub.store.writeOne(append) : hub.store.write(append));
}

function check(messages: readonly DeviceMessage[]): void {
  const sizeBytes = messages.reduce((sum, message) => sum + messageSizeBytes(message), 0);
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

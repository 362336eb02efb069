import type {
  DeviceBoundMessage,
  DeviceBoundProperties,
  ReceivedMessage,
} from '../src/hub/cloud-to-device/device-bound-message.js';
import { receiveServiceMessage } from '../src/hub/service-bound/service-messages.js';
import type { TestHub } from './test-hub.js';

/** A message to a device: its id is also its text. */
export const aDeviceBoundMessage = (
  messageId: string,
  systemProperties: DeviceBoundProperties = {},
): DeviceBoundMessage => ({
  body: Buffer.from(messageId),
  systemProperties: { messageId, ...systemProperties },
  properties: {},
});

/** The text of a message. */
export const textOf = (message: Pick<ReceivedMessage, 'body'> | undefined): string | undefined =>
  message && Buffer.from(message.body).toString();

/** Takes all feedback there is: `{message id} {status}`, in order. The hub gives it to nobody else after that. */
export function takenFeedback(hub: TestHub): string[] {
  const taken: string[] = [];
  for (;;) {
    const batch = receiveServiceMessage(hub, 'feedback', { held: true });
    if (batch === undefined) return taken;
    for (const record of batch.body as { originalMessageId: string; statusCode: string }[]) {
      taken.push(`${record.originalMessageId} ${record.statusCode}`);
    }
  }
}

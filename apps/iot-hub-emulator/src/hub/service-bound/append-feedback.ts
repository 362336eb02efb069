import type { FeedbackMode } from '../cloud-to-device/device-bound-message.js';
import { utcText } from '../clock.js';
import type { Hub } from '../hub.js';
import { enqueueServiceMessage } from './service-messages.js';

/** What became of a message to a device. */
export type FeedbackStatus = 'Success' | 'Expired' | 'DeliveryCountExceeded' | 'Rejected' | 'Purged';

const DESCRIPTIONS: Readonly<Record<FeedbackStatus, string>> = {
  Success: 'Success',
  Expired: 'Message expired',
  DeliveryCountExceeded: 'Message delivery count exceeded',
  Rejected: 'Message was rejected by the device',
  Purged: 'Message was purged',
};

/** The end of a message to a device. */
export interface MessageEnd {
  readonly status: FeedbackStatus;
  /** What the sender wants to hear of. */
  readonly ack: FeedbackMode;
  readonly messageId: string | undefined;
  readonly deviceId: string;
  readonly generationId: string;
  /** When it ended, in milliseconds since 1970. */
  readonly timeMs: number;
}

/** Tells the sender of a message how it ended, if it wants to know. For use within the write that ends the message. */
export function appendFeedback(hub: Hub, { status, ack, messageId, deviceId, generationId, timeMs }: MessageEnd): void {
  if (ack !== 'full' && ack !== (status === 'Success' ? 'positive' : 'negative')) return;
  enqueueServiceMessage(hub, 'feedback', {
    deviceId,
    record: {
      originalMessageId: messageId ?? null,
      description: DESCRIPTIONS[status],
      deviceGenerationId: generationId,
      deviceId,
      enqueuedTimeUtc: utcText(timeMs),
      statusCode: status,
    },
  });
}

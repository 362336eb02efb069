import type { Hub } from '../hub.js';
import { appendFeedback, type FeedbackStatus } from '../service-bound/append-feedback.js';
import type { CloudToDeviceEvent } from '../metrics/hub-metrics.js';
import type { DeviceBoundProperties } from './device-bound-message.js';

const EVENTS: Readonly<Record<FeedbackStatus, CloudToDeviceEvent>> = {
  Success: 'completed',
  Rejected: 'rejected',
  DeliveryCountExceeded: 'exhausted',
  Expired: 'expired',
  Purged: 'purged',
};

/** Expired by a time: not more at once than a few milliseconds' work. */
export const DUE =
  'sequence_number IN (SELECT sequence_number FROM device_messages WHERE expires_ms <= ? ORDER BY expires_ms LIMIT 500)';

/** Takes messages out of their queues, telling senders that want to know. For use within a write. */
export function endMessages(
  hub: Hub,
  status: FeedbackStatus,
  where: 'sequence_number = ?' | 'device_id = ?' | typeof DUE,
  value: string | number,
): EndedMessage[] {
  const ended = hub.store
    .sql(
      `DELETE FROM device_messages WHERE ${where}
       RETURNING sequence_number, device_id, generation_id, expires_ms, system_properties`,
    )
    .all(value) as unknown as EndedMessage[];
  for (const message of ended.sort((a, b) => a.sequence_number - b.sequence_number)) {
    const { messageId, ack } = JSON.parse(message.system_properties) as DeviceBoundProperties;
    appendFeedback(hub, {
      status,
      ack: ack ?? 'none',
      messageId,
      deviceId: message.device_id,
      generationId: message.generation_id,
      timeMs: status === 'Expired' ? message.expires_ms : hub.clock.nowMs(),
    });
    if (status !== 'Success') {
      hub.logger.info({ deviceId: message.device_id, messageId, status }, 'Cloud-to-device message not delivered');
    }
  }
  hub.store.afterTransaction((committed) => {
    if (committed) hub.metrics.cloudToDevice.addMany(ended.length, EVENTS[status]);
  });
  return ended;
}

export interface EndedMessage {
  readonly sequence_number: number;
  readonly device_id: string;
  readonly generation_id: string;
  readonly expires_ms: number;
  readonly system_properties: string;
}

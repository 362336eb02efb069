import { HubError } from '../errors/hub-errors.js';
import type { Hub } from '../hub.js';
import { endMessages } from './end-message.js';
import { wakeDevice } from './wake-device.js';

/**
 * Ends a message well: the device has dealt with it.
 *
 * @returns once that is on disk.
 * @throws {@link HubError} `DeviceMessageLockLost` when the lock has lapsed, or the message has expired or was purged.
 */
export function completeMessage(hub: Hub, deviceId: string, lockToken: string): Promise<void> {
  return settle(hub, deviceId, lockToken, (sequenceNumber) => {
    endMessages(hub, 'Success', 'sequence_number = ?', sequenceNumber);
  });
}

/** Dead-letters a message: the device does not want it. As {@link completeMessage} otherwise. */
export function rejectMessage(hub: Hub, deviceId: string, lockToken: string): Promise<void> {
  return settle(hub, deviceId, lockToken, (sequenceNumber) => {
    endMessages(hub, 'Rejected', 'sequence_number = ?', sequenceNumber);
  });
}

/**
 * Puts a message back to its place in the queue, raising its delivery count; at the hub's maximum it is dead-lettered.
 * As {@link completeMessage} otherwise.
 */
export async function abandonMessage(hub: Hub, deviceId: string, lockToken: string): Promise<void> {
  await settle(hub, deviceId, lockToken, (sequenceNumber) => {
    const { delivery_count } = hub.store
      .sql(
        `UPDATE device_messages SET delivery_count = delivery_count + 1 WHERE sequence_number = ?
         RETURNING delivery_count`,
      )
      .get(sequenceNumber) as { delivery_count: number };
    if (delivery_count >= hub.queues.settings.maxDeliveryCount) {
      endMessages(hub, 'DeliveryCountExceeded', 'sequence_number = ?', sequenceNumber);
    }
  });
  hub.metrics.cloudToDevice.add('abandoned');
}

/**
 * Puts messages back as they were: their receiver has gone. All that it holds in one call, since they may be given out
 * again at once, in order. Unknown tokens are ignored.
 */
export function releaseMessages(hub: Hub, deviceId: string, lockTokens: readonly string[]): void {
  const { deviceLocks } = hub.queues;
  const nowMs = hub.clock.nowMs();
  for (const lockToken of lockTokens) deviceLocks.show(deviceLocks.take(deviceId, lockToken, nowMs) ?? []);
  wakeDevice(hub, deviceId);
}

async function settle(
  hub: Hub,
  deviceId: string,
  lockToken: string,
  change: (sequenceNumber: number) => void,
): Promise<void> {
  const nowMs = hub.clock.nowMs();
  const [sequenceNumber] = hub.queues.deviceLocks.take(deviceId, lockToken, nowMs) ?? [];
  if (sequenceNumber === undefined) throw lockLost();
  hub.activity.note({ deviceId }, nowMs);
  try {
    await hub.store.write(() => {
      const found = hub.store
        .sql('SELECT 1 FROM device_messages WHERE sequence_number = ? AND expires_ms > ?')
        .get(sequenceNumber, nowMs);
      if (found === undefined) throw lockLost();
      change(sequenceNumber);
    });
  } finally {
    hub.queues.deviceLocks.show([sequenceNumber]);
    wakeDevice(hub, deviceId);
  }
}

const lockLost = (): HubError =>
  new HubError('DeviceMessageLockLost', 'The lock of the message has lapsed, or the message is gone.');

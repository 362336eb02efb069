import type { Hub } from '../hub.js';
import { DEVICE_LOCK_MS } from '../queues/queue-settings.js';
import type { DeviceBoundProperties, ReceivedMessage } from './device-bound-message.js';

/**
 * Hands out the device's oldest message that nobody holds. Nobody else gets it until it is settled: completed, rejected,
 * abandoned or released.
 *
 * A lock lapses after 60 seconds; the message then can be received again, with no higher delivery count. With `held` it
 * lasts until it is settled: for a live connection, which gives back all it holds when it ends. Either way the message
 * expires at its time. A restart of the hub ends all locks.
 *
 * @returns undefined when there is none. The device hears of later ones by its connection's `messagesWaiting`.
 */
export function receiveMessage(
  hub: Hub,
  deviceId: string,
  { held = false }: { readonly held?: boolean } = {},
): ReceivedMessage | undefined {
  const { store, queues, clock } = hub;
  const nowMs = clock.nowMs();
  queues.deviceLocks.lapse(nowMs);
  const sequenceNumber = store
    .sql('SELECT sequence_number FROM device_messages WHERE device_id = ? AND expires_ms > ? ORDER BY sequence_number')
    .all(deviceId, nowMs)
    .map((row) => row.sequence_number as number)
    .find((number) => !queues.deviceLocks.isHidden(number));
  if (sequenceNumber === undefined) return undefined;
  const row = store
    .sql('SELECT * FROM device_messages WHERE sequence_number = ?')
    .get(sequenceNumber) as unknown as DeviceMessageRow;
  hub.activity.note({ deviceId }, nowMs);
  if (row.delivered === 0) {
    store.writeLater(() => {
      store.sql('UPDATE device_messages SET delivered = 1 WHERE sequence_number = ?').run(sequenceNumber);
    });
  }
  hub.metrics.cloudToDevice.add('delivered');
  const untilMs = held ? Infinity : nowMs + DEVICE_LOCK_MS;
  queues.sweepBy(untilMs);
  const systemProperties = JSON.parse(row.system_properties) as DeviceBoundProperties;
  return {
    lockToken: queues.deviceLocks.lock(deviceId, [sequenceNumber], untilMs),
    sequenceNumber,
    enqueuedMs: row.enqueued_ms,
    deliveryCount: row.delivery_count,
    redelivered: row.delivered === 1,
    body: row.body,
    systemProperties: { to: `/devices/${encodeURIComponent(deviceId)}/messages/devicebound`, ...systemProperties },
    properties: JSON.parse(row.properties) as Record<string, string | null>,
  };
}

interface DeviceMessageRow {
  enqueued_ms: number;
  delivery_count: number;
  delivered: 0 | 1;
  system_properties: string;
  properties: string;
  body: Uint8Array;
}

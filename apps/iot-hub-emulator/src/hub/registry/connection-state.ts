import type { DeviceRow } from '../../storage/device-row.js';
import { utcText } from '../clock.js';
import { appendEvent, type EventHub } from '../messages/append-event.js';
import { lastSequenceNumber } from '../messages/message-log.js';

/** Digits of the number that tells the later one of two events: 256 bits. */
const SEQUENCE_DIGITS = 64;

/** Notes that a device has connected or disconnected, and tells of it, with this turn's commit. */
export function recordConnectionState(hub: EventHub, deviceId: string, connected: boolean): void {
  hub.store.writeLater(() => {
    const device = hub.store
      .sql(
        `UPDATE devices SET connection_state = ?, connection_state_updated_time = ? WHERE device_id = ?
         RETURNING device_id, generation_id`,
      )
      .get(connected ? 'Connected' : 'Disconnected', utcText(hub.clock.nowMs()), deviceId) as DeviceRow | undefined;
    if (device !== undefined) appendConnectionEvent(hub, device, connected);
  });
}

/** After a start nobody is connected, whatever the last run left behind when it was killed. */
export async function recordNobodyConnected(hub: EventHub): Promise<void> {
  await hub.store.write(() => {
    const devices = hub.store
      .sql(
        `UPDATE devices SET connection_state = 'Disconnected', connection_state_updated_time = ?
         WHERE connection_state = 'Connected' RETURNING device_id, generation_id`,
      )
      .all(utcText(hub.clock.nowMs())) as unknown as DeviceRow[];
    for (const device of devices) appendConnectionEvent(hub, device, false);
  });
}

function appendConnectionEvent(
  hub: EventHub,
  device: Pick<DeviceRow, 'device_id' | 'generation_id'>,
  connected: boolean,
): void {
  appendEvent(hub, {
    source: 'deviceConnectionStateEvents',
    opType: connected ? 'deviceConnected' : 'deviceDisconnected',
    device,
    // Strictly rising, as the log is, across restarts and changes of the clock.
    body: () => ({
      sequenceNumber: (lastSequenceNumber(hub.store) + 1).toString(16).toUpperCase().padStart(SEQUENCE_DIGITS, '0'),
    }),
  });
}

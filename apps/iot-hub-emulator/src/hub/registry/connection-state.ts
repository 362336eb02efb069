import type { IdentityRow } from '../../storage/identity-row.js';
import { utcText } from '../clock.js';
import { identityColumns, type Identity } from '../identity.js';
import { appendEvent, type EventHub } from '../messages/append-event.js';

/** Digits of the number that tells the later one of two events: 256 bits. */
const SEQUENCE_DIGITS = 64;

/** Notes that a device or module has connected or disconnected, and tells of it, with this turn's commit. */
export function recordConnectionState(hub: EventHub, identity: Identity, connected: boolean): void {
  hub.store.writeLater(() => {
    const row = hub.store
      .sql(
        `UPDATE identities SET connection_state = ?, connection_state_updated_time = ?
         WHERE device_id = ? AND module_id = ? RETURNING device_id, module_id, generation_id`,
      )
      .get(connected ? 'Connected' : 'Disconnected', utcText(hub.clock.nowMs()), ...identityColumns(identity)) as
      IdentityRow | undefined;
    if (row !== undefined) appendConnectionEvent(hub, row, connected);
  });
}

/** After a start nobody is connected, whatever the last run left behind when it was killed. */
export async function recordNobodyConnected(hub: EventHub): Promise<void> {
  await hub.store.write(() => {
    const rows = hub.store
      .sql(
        `UPDATE identities SET connection_state = 'Disconnected', connection_state_updated_time = ?
         WHERE connection_state = 'Connected' RETURNING device_id, module_id, generation_id`,
      )
      .all(utcText(hub.clock.nowMs())) as unknown as IdentityRow[];
    for (const row of rows) appendConnectionEvent(hub, row, false);
  });
}

function appendConnectionEvent(
  hub: EventHub,
  subject: Pick<IdentityRow, 'device_id' | 'module_id' | 'generation_id'>,
  connected: boolean,
): void {
  // IoT Hub tells of devices alone.
  if (subject.module_id !== '') return;
  appendEvent(hub, {
    source: 'deviceConnectionStateEvents',
    opType: connected ? 'deviceConnected' : 'deviceDisconnected',
    subject,
    // Strictly rising, as the log is, across restarts and changes of the clock.
    body: () => ({
      sequenceNumber: (hub.log.lastSequenceNumber + 1).toString(16).toUpperCase().padStart(SEQUENCE_DIGITS, '0'),
    }),
  });
}

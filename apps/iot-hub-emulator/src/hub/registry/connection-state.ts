import type { Store } from '../../storage/store.js';
import { utcText, type Clock } from '../clock.js';

/** Notes that a device has connected or disconnected, with this turn's commit. */
export function recordConnectionState(store: Store, clock: Clock, deviceId: string, connected: boolean): void {
  store.writeLater(() => {
    store
      .sql('UPDATE devices SET connection_state = ?, connection_state_updated_time = ? WHERE device_id = ?')
      .run(connected ? 'Connected' : 'Disconnected', utcText(clock.nowMs()), deviceId);
  });
}

/** After a start nobody is connected, whatever the last run left behind when it was killed. */
export async function recordNobodyConnected(store: Store, clock: Clock): Promise<void> {
  await store.writeOne(() => {
    store
      .sql(
        `UPDATE devices SET connection_state = 'Disconnected', connection_state_updated_time = ?
         WHERE connection_state = 'Connected'`,
      )
      .run(utcText(clock.nowMs()));
  });
}

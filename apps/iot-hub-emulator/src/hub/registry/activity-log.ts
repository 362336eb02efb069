import type { Store } from '../../storage/store.js';
import { utcText } from '../clock.js';

/**
 * When each device last did something. Kept in memory between flushes: one row update a message would cost more than
 * the message. Lost at a crash are the last seconds of it, which IoT Hub does not promise either.
 */
export class ActivityLog {
  private readonly latest = new Map<string, number>();

  constructor(private readonly store: Store) {}

  note(deviceId: string, timeMs: number): void {
    this.latest.set(deviceId, timeMs);
  }

  /** Writes what is noted to the table, where reads of the registry see it at once. */
  flush(): void {
    if (this.latest.size === 0) return;
    const noted = [...this.latest];
    this.latest.clear();
    this.store.writeLater(() => {
      const update = this.store.sql('UPDATE devices SET last_activity_time = ? WHERE device_id = ?');
      for (const [deviceId, timeMs] of noted) update.run(utcText(timeMs), deviceId);
    });
  }
}

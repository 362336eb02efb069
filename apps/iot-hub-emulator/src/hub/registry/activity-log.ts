import type { Store } from '../../storage/store.js';
import { utcText } from '../clock.js';
import { identityColumns, identityKey, type Identity } from '../identity.js';

/**
 * When each device and module last did something. Kept in memory between flushes: one row update a message would cost more than
 * the message. Lost at a crash are the last seconds of it, which IoT Hub does not promise either.
 */
export class ActivityLog {
  private readonly latest = new Map<string, { readonly identity: Identity; timeMs: number }>();

  constructor(private readonly store: Store) {}

  note(identity: Identity, timeMs: number): void {
    const key = identityKey(identity);
    const noted = this.latest.get(key);
    if (noted) noted.timeMs = timeMs;
    else this.latest.set(key, { identity, timeMs });
  }

  /** Writes what is noted to the table, where reads of the registry see it at once. */
  flush(): void {
    if (this.latest.size === 0) return;
    const noted = [...this.latest.values()];
    this.latest.clear();
    this.store.writeLater(() => {
      const update = this.store.sql(
        'UPDATE identities SET last_activity_time = ? WHERE device_id = ? AND module_id = ?',
      );
      for (const { identity, timeMs } of noted) update.run(utcText(timeMs), ...identityColumns(identity));
    });
  }
}

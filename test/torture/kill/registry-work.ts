import type { TortureHub } from '../support/torture-hub.js';
import { repeat, Violation, type Work } from './work.js';

/** A service that registers devices, and removes every second one again. */
export class RegistryWork implements Work {
  readonly name = 'registry';
  private made = 0;
  /** What the hub has confirmed: whether the device is there. */
  private readonly confirmed = new Map<string, boolean>();

  async run(hub: TortureHub, onAcknowledged: () => void): Promise<never> {
    return repeat(async () => {
      this.made += 1;
      const deviceId = `made-${this.made}`;
      const path = `/devices/${deviceId}`;
      const created = await hub.callAsOwner({ method: 'PUT', path, body: JSON.stringify({ deviceId }) });
      if (created.status !== 200) throw new Violation(`${this.name}: a PUT was answered with ${created.status}.`);
      this.confirmed.set(deviceId, true);
      onAcknowledged();
      if (this.made % 2 === 0) return;
      // From here on either is right, until the hub has answered.
      this.confirmed.delete(deviceId);
      const removed = await hub.callAsOwner({ method: 'DELETE', path, headers: { 'if-match': '*' } });
      if (removed.status !== 204) throw new Violation(`${this.name}: a DELETE was answered with ${removed.status}.`);
      this.confirmed.set(deviceId, false);
      onAcknowledged();
    });
  }

  async check(hub: TortureHub): Promise<void> {
    for (const [deviceId, there] of this.confirmed) {
      const { status } = await hub.callAsOwner({ method: 'GET', path: `/devices/${deviceId}` });
      if (status !== (there ? 200 : 404)) throw new Violation(`${this.name}: ${deviceId} is answered with ${status}.`);
    }
    // What is confirmed once stays confirmed: no need to ask for it in every round.
    this.confirmed.clear();
  }
}

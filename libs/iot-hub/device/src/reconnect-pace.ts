import { type Backoff, fullJitterDelayMs } from './backoff.js';
import type { ConnectionFailureKind } from './connection-failure.js';

const SECOND_MS = 1_000;

/** What cannot heal by itself within seconds is tried slowly. */
const BACKOFF: Readonly<Record<ConnectionFailureKind, Backoff>> = {
  unreachable: { floorMs: 0, baseMs: SECOND_MS, capMs: 60 * SECOND_MS },
  throttled: { floorMs: 0, baseMs: 10 * SECOND_MS, capMs: 300 * SECOND_MS },
  rejected: { floorMs: 5 * SECOND_MS, baseMs: 10 * SECOND_MS, capMs: 280 * SECOND_MS },
  untrusted: { floorMs: 5 * SECOND_MS, baseMs: 10 * SECOND_MS, capMs: 60 * SECOND_MS },
  replaced: { floorMs: 30 * SECOND_MS, baseMs: 60 * SECOND_MS, capMs: 60 * SECOND_MS },
};

/** A connection that ended sooner than this did not hold. */
const HELD_MS = 10 * SECOND_MS;
/** A connection that held this long had nobody to share its identity with. */
const UNDISPUTED_MS = 300 * SECOND_MS;
/** So many connections that did not hold make a dispute. */
const DISPUTE_AFTER = 2;

/**
 * Decides how long to wait before the next connection.
 *
 * MQTT 3.1.1 has no way to say "another connection took over": the hub just closes the socket. What gives it away is
 * that connections are accepted and closed again within seconds, which a second process with the same identity does.
 */
export class ReconnectPace {
  private failures = 0;
  private shortLived = 0;

  constructor(private readonly random: () => number = Math.random) {}

  /** The delay after a connection could not be made. */
  afterFailure(kind: ConnectionFailureKind): number {
    return fullJitterDelayMs(BACKOFF[kind], this.failures++, this.random);
  }

  /** Why a connection that had been made ended after `livedMs`, and the delay before the next. */
  afterLoss(livedMs: number): { kind: 'unreachable' | 'replaced'; delayMs: number } {
    if (livedMs >= HELD_MS) this.failures = 0;
    if (livedMs >= UNDISPUTED_MS) this.shortLived = 0;
    else if (livedMs < HELD_MS) this.shortLived += 1;
    const kind = this.shortLived >= DISPUTE_AFTER ? 'replaced' : 'unreachable';
    return { kind, delayMs: this.afterFailure(kind) };
  }
}

import type { Clock } from '../../hub/clock.js';

/** IoT Hub waits one and a half times the client's keep-alive, and no longer than this even if that is 0 (none). */
const LONGEST_SILENCE_MS = 1_767_000;

/**
 * How long a client may be silent before it counts as gone.
 *
 * @see https://learn.microsoft.com/azure/iot/iot-mqtt-connect-to-iot-hub#default-keep-alive-time-out
 */
export const allowedSilenceMs = (keepAliveSeconds: number): number =>
  keepAliveSeconds === 0 ? LONGEST_SILENCE_MS : Math.min(keepAliveSeconds * 1500, LONGEST_SILENCE_MS);

/** Calls `expired` once nothing has been {@link heard} for the allowed time. */
export class KeepAlive {
  private heardMs: number;
  private cancel: () => void;

  constructor(
    private readonly clock: Clock,
    private readonly silenceMs: number,
    private readonly expired: () => void,
  ) {
    this.heardMs = clock.nowMs();
    this.cancel = clock.after(silenceMs, this.check);
  }

  /** The client is there. Cheap, for it comes with every chunk of bytes: no timer is touched. */
  heard(): void {
    this.heardMs = this.clock.nowMs();
  }

  stop(): void {
    this.cancel();
  }

  private readonly check = (): void => {
    const leftMs = this.heardMs + this.silenceMs - this.clock.nowMs();
    if (leftMs <= 0) this.expired();
    else this.cancel = this.clock.after(leftMs, this.check);
  };
}

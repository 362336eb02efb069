import type { Logger } from '#libs/runtime';
import { type CameraSource, describeSource } from './camera-source.js';
import type { Frame, FrameSource } from './frame-source.js';
import { LiveFrames } from './live-frames.js';
import { openInput } from './open-input.js';
import { within } from './time-limit.js';

/** How cameras are kept. */
export interface CameraOptions {
  readonly source: Exclude<CameraSource, { kind: 'file' }>;
  readonly frameSource: () => Promise<FrameSource>;
  readonly resolution?: { readonly width: number; readonly height: number };
  readonly warmUpFrames: number;
  readonly idleMs: number;
  readonly openTimeoutMs: number;
  readonly frameTimeoutMs: number;
  readonly logger?: Logger | undefined;
}

/** A camera that is opened by the first shot and stays open for a while, so that the next shot is fast. */
export class Camera {
  #live: LiveFrames | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  #closing: Promise<void> = Promise.resolve();

  constructor(private readonly options: CameraOptions) {}

  /** Whether it is open at the moment. */
  get isOpen(): boolean {
    return this.#live?.isOpen ?? false;
  }

  /**
   * The next frame that the camera delivers. One call at a time.
   *
   * @throws `AppError` with a code of `CAPTURE_ERROR_STATUS`; the camera is opened anew by the next call.
   */
  async nextFrame(signal: AbortSignal): Promise<Frame> {
    clearTimeout(this.#idleTimer);
    const { frameTimeoutMs, idleMs } = this.options;
    try {
      const live = await this.#open(signal);
      const frame = await within(live.next(), { timeoutMs: frameTimeoutMs, signal, what: 'sent no frame' });
      if (!live.isOpen || idleMs === 0) await this.close();
      else this.#closeWhenIdle(idleMs);
      return frame;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Resolves when the camera is released, so that it can be opened again. Never fails. */
  close(): Promise<void> {
    clearTimeout(this.#idleTimer);
    const live = this.#live;
    this.#live = undefined;
    if (live !== undefined) {
      this.#closing = live.close().catch((error: unknown) => {
        this.options.logger?.warn({ err: error }, 'camera did not close');
      });
    }
    return this.#closing;
  }

  async #open(signal: AbortSignal): Promise<LiveFrames> {
    if (this.#live?.isOpen) return this.#live;
    // A camera that is still being closed would be found busy.
    await this.close();
    const { source, frameSource, resolution, warmUpFrames, openTimeoutMs, logger } = this.options;
    const opened = await openInput(await frameSource(), source, {
      ...(resolution === undefined ? {} : { resolution }),
      timeoutMs: openTimeoutMs,
      signal,
    });
    logger?.debug({ source: describeSource(source) }, 'camera opened');
    this.#live = new LiveFrames(opened, warmUpFrames);
    return this.#live;
  }

  #closeWhenIdle(idleMs: number): void {
    this.#idleTimer = setTimeout(() => void this.close(), idleMs);
    // An idle camera keeps no program running.
    this.#idleTimer.unref();
  }
}

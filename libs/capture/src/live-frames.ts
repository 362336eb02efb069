import { AppError } from '#libs/runtime';
import type { DecodedFrame, Frame, OpenFrames } from './frame-source.js';

/**
 * The frames of an open camera, read all the time, so that none queues up and a shot never gets an old one.
 * Only the frames that are asked for are taken out of the decoder.
 */
export class LiveFrames {
  readonly #running: Promise<void>;
  #waiting: PromiseWithResolvers<Frame> | undefined;
  #end: { readonly error: unknown } | undefined;
  #warmUpLeft: number;
  #lastWarmUp: Frame | undefined;

  constructor(
    private readonly opened: OpenFrames,
    warmUpFrames: number,
  ) {
    this.#warmUpLeft = warmUpFrames;
    this.#running = this.#run();
  }

  get isOpen(): boolean {
    return this.#end === undefined;
  }

  /**
   * The next frame that arrives. One call at a time.
   *
   * @throws {@link AppError} `CAPTURE.NO_FRAME` when the camera ends before.
   */
  next(): Promise<Frame> {
    if (this.#end !== undefined) return Promise.reject(this.#endError());
    this.#waiting = Promise.withResolvers<Frame>();
    return this.#waiting.promise;
  }

  async close(): Promise<void> {
    await this.opened.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    let error: unknown;
    try {
      for await (const frame of this.opened.frames) await this.#take(frame);
    } catch (cause) {
      error = cause;
    }
    this.#end = { error };
    // A snapshot address sends a single picture: then that one is the picture.
    if (this.#lastWarmUp === undefined) this.#waiting?.reject(this.#endError());
    else this.#waiting?.resolve(this.#lastWarmUp);
    this.#waiting = undefined;
    await this.opened.close();
  }

  async #take(frame: DecodedFrame): Promise<void> {
    const waiting = this.#waiting;
    if (this.#warmUpLeft > 0) {
      this.#warmUpLeft -= 1;
      if (waiting !== undefined) this.#lastWarmUp = await frame.read();
      return;
    }
    this.#lastWarmUp = undefined;
    if (waiting === undefined) return;
    this.#waiting = undefined;
    await frame.read().then(waiting.resolve, waiting.reject);
  }

  #endError(): AppError {
    if (this.#end?.error instanceof AppError) return this.#end.error;
    return new AppError('CAPTURE.NO_FRAME', 'The source gave no frame.', {
      hint: 'Check that the camera or stream works in another program.',
      cause: this.#end?.error,
    });
  }
}

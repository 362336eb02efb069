import { AppError } from '#libs/runtime';
import type { Frame, FrameSource, OpenOptions } from './frame-source.js';
import { MediaFile } from './media-file.js';
import { readFirstFrame } from './video-file.js';

/** How far the video has moved on from one shot to the next, in milliseconds. */
const STEP_MS = 1_400;

/** How much later each round begins, so that it shows other frames than the one before, in milliseconds. */
const ROUND_SHIFT_MS = 200;

/**
 * A video file that stands in for a camera: every shot gets a frame a step further on, round and round.
 * Nothing stays open between shots: opening a file costs a few milliseconds.
 */
export class LoopedVideo {
  #nextMs = 0;
  #rounds = 0;

  constructor(
    private readonly path: string,
    private readonly frameSource: () => Promise<FrameSource>,
  ) {}

  /**
   * The frame at the video's next step. One call at a time.
   *
   * @throws {@link AppError} with a code of `CAPTURE_ERROR_STATUS`.
   */
  async nextFrame(options: OpenOptions): Promise<Frame> {
    const source = await this.frameSource();
    const file = await this.#openFile();
    try {
      for (;;) {
        const frame = await readFrameAt(source, { file, startMs: this.#nextMs }, options);
        if (frame !== undefined) {
          this.#nextMs += STEP_MS;
          return frame;
        }
        this.#rounds += 1;
        this.#nextMs = (this.#rounds * ROUND_SHIFT_MS) % STEP_MS;
      }
    } finally {
      await file.close();
    }
  }

  async #openFile(): Promise<MediaFile> {
    try {
      return await MediaFile.openTrusted(this.path);
    } catch (cause) {
      throw new AppError('CAMERA.NOT_FOUND', 'The video file that stands in for this camera cannot be read.', {
        hint: 'Correct the setting CAMERA_0, CAMERA_1, …; a path is relative to the working directory.',
        cause,
      });
    }
  }
}

/** Nothing when the video is over at that time; a video without any frame fails. */
async function readFrameAt(
  source: FrameSource,
  { file, startMs }: { file: MediaFile; startMs: number },
  options: OpenOptions,
): Promise<Frame | undefined> {
  try {
    return await readFirstFrame(source, { kind: 'file', file, startMs }, options);
  } catch (error) {
    if (startMs > 0 && error instanceof AppError && error.code === 'CAPTURE.NO_FRAME') return undefined;
    throw error;
  }
}

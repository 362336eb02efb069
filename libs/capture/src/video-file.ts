import { AppError } from '#libs/runtime';
import type { Frame, FrameInput, FrameSource, OpenFrames, OpenOptions } from './frame-source.js';
import { openInput } from './open-input.js';
import { within } from './time-limit.js';

/**
 * The first frame of a video at or after its start time.
 *
 * @throws {@link AppError} `CAPTURE.NO_FRAME` when there is none.
 */
export async function readFirstFrame(source: FrameSource, input: FrameInput, options: OpenOptions): Promise<Frame> {
  const opened = await openInput(source, input, options);
  try {
    return await within(firstFrame(opened), { ...options, what: 'gave no frame' });
  } finally {
    await opened.close();
  }
}

async function firstFrame({ frames }: OpenFrames): Promise<Frame> {
  for await (const frame of frames) return await frame.read();
  throw new AppError('CAPTURE.NO_FRAME', 'The source gave no frame.', {
    hint: 'Check that the video plays in another program.',
  });
}

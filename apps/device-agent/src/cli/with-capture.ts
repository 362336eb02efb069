import { captureOptionsFrom, StillCapture } from '#libs/capture';
import type { CommandContext } from './command-context.js';

/** Gives `work` the cameras and files to capture from, and closes them after it. */
export async function withCapture<Result>(
  { settings, logger }: CommandContext,
  work: (capture: StillCapture) => Promise<Result>,
): Promise<Result> {
  const capture = new StillCapture({ ...captureOptionsFrom(settings), logger });
  try {
    return await work(capture);
  } finally {
    await capture.close();
  }
}

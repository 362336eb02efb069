import type { Logger } from '#libs/runtime';
import { FfmpegFrameSource } from './ffmpeg.frame-source.js';
import type { FrameSource } from './frame-source.js';
import { NodeAvFrameSource } from './node-av.frame-source.js';
import { OpenCvFrameSource } from './opencv.frame-source.js';

/** Which library decodes cameras and videos; `auto` takes node-av, and the `ffmpeg` program where node-av is missing. */
export const CAPTURE_BACKENDS = ['auto', 'node-av', 'ffmpeg', 'opencv'] as const;
export type CaptureBackend = (typeof CAPTURE_BACKENDS)[number];

/** How each library is loaded. */
const LOADERS = {
  'node-av': () => NodeAvFrameSource.load(),
  ffmpeg: () => FfmpegFrameSource.load(),
  opencv: () => OpenCvFrameSource.load(),
};

/**
 * Loads the library that a setting asks for.
 *
 * @throws `AppError` `CAPTURE.BACKEND_MISSING` when it is not installed.
 */
export async function loadFrameSource(
  backend: CaptureBackend,
  {
    logger,
    loaders = LOADERS,
  }: { logger?: Logger | undefined; loaders?: Record<FrameSource['name'], () => Promise<FrameSource>> } = {},
): Promise<FrameSource> {
  if (backend !== 'auto') return loaders[backend]();
  try {
    return await loaders['node-av']();
  } catch (error) {
    logger?.warn({ err: error }, 'node-av does not run here; using the ffmpeg program');
    return await loaders.ffmpeg();
  }
}

import { AppError } from '#libs/runtime';
import { MAX_FRAME_PIXELS, MAX_PICTURE_BYTES, MAX_PICTURE_PIXELS, MAX_VIDEO_BYTES } from './capture-limits.js';

/** The failure to report for a frame of more pixels than are decoded. */
export function frameTooLarge({ width, height }: { width: number; height: number }): AppError {
  return new AppError('MEDIA.TOO_LARGE', `The video is larger than ${MAX_FRAME_PIXELS} pixels a frame.`, {
    hint: 'Choose a smaller resolution.',
    details: { width, height },
  });
}

/** The failure to report for a picture of more pixels than are decoded. */
export function pictureTooLarge(size: { width: number; height: number }): AppError {
  return new AppError('MEDIA.TOO_LARGE', `The picture is larger than ${MAX_PICTURE_PIXELS} pixels.`, {
    hint: 'Scale the picture down.',
    details: size,
  });
}

/** The failure to report for a file of more bytes than are read. */
export function fileTooLarge(kind: 'picture' | 'video'): AppError {
  const limit = kind === 'picture' ? MAX_PICTURE_BYTES : MAX_VIDEO_BYTES;
  return new AppError('MEDIA.TOO_LARGE', `The ${kind} file is larger than ${limit} bytes.`, {
    hint: 'Use a smaller file.',
  });
}

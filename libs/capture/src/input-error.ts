import { AppError } from '#libs/runtime';
import { describeSource } from './camera-source.js';
import type { FrameInput } from './frame-source.js';

/** System error numbers that cameras are refused with, as every Linux and macOS has them. */
const ERRNO = { ENOENT: 2, ENXIO: 6, EACCES: 13, EBUSY: 16, ENODEV: 19 } as const;

/** The failure to report when an input could not be opened; `errno` is the system's error number where it is known. */
export function inputError(
  input: FrameInput,
  { errno, cause }: { errno?: number | undefined; cause?: unknown },
): AppError {
  if (input.kind === 'file') {
    return new AppError('MEDIA.UNREADABLE', 'The file is neither a picture nor a video that can be decoded.', {
      hint: 'Name a JPEG, PNG, WebP, GIF, TIFF or AVIF picture, or a video such as MP4, MKV or AVI.',
      cause,
    });
  }
  const name = describeSource(input);
  if (input.kind === 'device') {
    switch (errno) {
      case ERRNO.ENOENT:
      case ERRNO.ENXIO:
      case ERRNO.ENODEV:
        return new AppError('CAMERA.NOT_FOUND', `There is no ${name} on this device.`, {
          hint: 'List the cameras (list-cameras), or let a file or stream stand in for it with CAMERA_0, CAMERA_1, …',
          cause,
        });
      case ERRNO.EBUSY:
        return new AppError('CAMERA.BUSY', `Another program is using ${name}.`, {
          hint: 'Close the other program, or try again later.',
          cause,
        });
      case ERRNO.EACCES:
        return new AppError('CAMERA.FAILED', `The agent may not use ${name}.`, {
          hint: 'Add the account that the agent runs under to the group "video".',
          cause,
        });
    }
  }
  return new AppError('CAMERA.FAILED', `Cannot open ${name}.`, {
    hint:
      input.kind === 'stream'
        ? 'Check the address, user name and password in the camera setting, and that the stream plays elsewhere.'
        : 'Check the camera setting and that no other program uses the camera.',
    cause,
  });
}

import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { extname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { CommanderError } from 'commander';
import type { CaptureRequest, StillCapture, StillPicture } from '#libs/capture';
import { IMAGE_TYPES } from '#libs/contracts';
import { AppError } from '#libs/runtime';
import type { CommandContext } from './command-context.js';
import { printJson } from './print-json.js';
import { withCapture } from './with-capture.js';

const WRITE_FAILURES: Readonly<Record<string, string>> = {
  ENOENT: 'its folder does not exist',
  ENOTDIR: 'its folder is a file',
  EISDIR: 'it is a folder',
  EACCES: 'that is not permitted',
  EPERM: 'that is not permitted',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
};

/** Writes a picture, or the first frame of a video, to a file. */
export function captureImageFromFileCommand(
  { filename, outfile }: { filename: string; outfile: string },
  context: CommandContext,
): Promise<void> {
  return captureTo(outfile, context, (capture, request) => capture.fromTrustedFile({ ...request, path: filename }));
}

/** Writes a camera's next frame to a file. */
export function captureImageFromCameraCommand(
  { index, outfile }: { index: number; outfile: string },
  context: CommandContext,
): Promise<void> {
  return captureTo(outfile, context, (capture, request) => capture.fromCamera({ ...request, index }));
}

async function captureTo(
  outfile: string,
  context: CommandContext,
  take: (capture: StillCapture, request: CaptureRequest) => Promise<StillPicture>,
): Promise<void> {
  const contentType = IMAGE_TYPES[extname(outfile).toLowerCase() as keyof typeof IMAGE_TYPES] as
    CaptureRequest['contentType'] | undefined;
  if (!contentType) {
    console.error('error: --outfile must end in .jpg, .jpeg or .png');
    throw new CommanderError(2, 'spyglass.outfile', 'unknown picture type');
  }
  await withCapture(context, async (capture) => {
    const picture = await take(capture, { contentType, signal: context.signal });
    try {
      await writeWhole(outfile, picture, context.signal);
      const { sizeBytes, width, height } = picture;
      printJson({ outfile, size_bytes: sizeBytes, content_type: contentType, width, height });
    } finally {
      await picture.close();
    }
  });
}

/** Writes beside the file and renames, so that nobody ever reads half a picture. */
async function writeWhole(outfile: string, picture: StillPicture, signal: AbortSignal): Promise<void> {
  const partial = `${outfile}.${process.pid}.partial`;
  try {
    await pipeline(picture.stream(), createWriteStream(partial), { signal });
    await rename(partial, outfile);
  } catch (error) {
    await rm(partial, { force: true });
    throw isSystemError(error) ? unwritable(outfile, error) : error;
  }
}

/** What the file system says; a picture that cannot be taken fails in other ways. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}

function unwritable(outfile: string, cause: NodeJS.ErrnoException): AppError {
  const reason = WRITE_FAILURES[cause.code ?? ''] ?? String(cause.code);
  return new AppError('FILE.UNWRITABLE', `Cannot write ${outfile}: ${reason}.`, {
    hint: 'Name another file with --outfile.',
    cause,
  });
}

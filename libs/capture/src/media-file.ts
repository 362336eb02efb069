import { constants } from 'node:fs';
import { lstat, open, readlink, realpath, type FileHandle } from 'node:fs/promises';
import { AppError } from '#libs/runtime';

/** A regular file that was checked and is held open, so that what is read is what was checked. */
export class MediaFile {
  private constructor(
    readonly handle: FileHandle,
    private readonly realPath: string,
    readonly sizeBytes: number,
  ) {}

  /**
   * Opens the regular file at a path without following a link in its last part.
   *
   * @throws {@link AppError} `MEDIA.NOT_FOUND`, or `MEDIA.OUTSIDE_ROOT` for anything but a readable regular file.
   */
  static async open(realPath: string): Promise<MediaFile> {
    let handle: FileHandle | undefined;
    try {
      // Looked at before it is opened: opening a device can already do something, and opening a FIFO waits.
      const before = await lstat(realPath);
      if (!before.isFile()) throw notRegular();
      handle = await open(realPath, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      const { dev, ino, size } = await handle.stat();
      if (dev !== before.dev || ino !== before.ino) throw notRegular();
      return new MediaFile(handle, realPath, size);
    } catch (error) {
      await handle?.close();
      throw translateFileError(error);
    }
  }

  /**
   * Opens a file that the settings or the person at the terminal name; links are followed.
   *
   * @throws {@link AppError} as `open` does.
   */
  static async openTrusted(path: string): Promise<MediaFile> {
    let realPath: string;
    try {
      realPath = await realpath(path);
    } catch (error) {
      throw translateFileError(error);
    }
    return MediaFile.open(realPath);
  }

  /**
   * A path for libraries that open files by name. On Linux it leads to the very file that is held open; elsewhere
   * it is the checked path.
   */
  get path(): string {
    return process.platform === 'linux' ? `/proc/self/fd/${this.handle.fd}` : this.realPath;
  }

  /** Where the open file lies now, in case a directory on the way to it was exchanged while it was opened. */
  async location(): Promise<string> {
    return process.platform === 'linux' ? await readlink(this.path) : this.realPath;
  }

  /** The first bytes of the file, `length` at most. */
  async head(length: number): Promise<Buffer> {
    const { buffer, bytesRead } = await this.handle.read(Buffer.alloc(length), 0, length, 0);
    return buffer.subarray(0, bytesRead);
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}

function notRegular(): AppError {
  return new AppError('MEDIA.OUTSIDE_ROOT', 'The name leads to something that is not a regular file.', {
    hint: 'Name a picture or video file.',
  });
}

/** Turns a file system's refusal into the failure to report; anything else stays as it is. */
export function translateFileError(error: unknown): unknown {
  if (typeof error !== 'object' || error === null || !('code' in error) || error instanceof AppError) return error;
  switch (error.code) {
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ENAMETOOLONG':
      return new AppError('MEDIA.NOT_FOUND', 'There is no file of this name.', {
        hint: 'Name a file that exists on the device, relative to its working directory.',
        cause: error,
      });
    case 'ELOOP':
      return notRegular();
    case 'EACCES':
    case 'EPERM':
      return new AppError('MEDIA.OUTSIDE_ROOT', 'The device may not read this file.', {
        hint: 'Give the account that the agent runs under read access to it.',
        cause: error,
      });
    default:
      return error;
  }
}

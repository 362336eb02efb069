import { realpath } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep, win32 } from 'node:path';
import { AppError } from '#libs/runtime';
import { MAX_FILE_NAME_LENGTH } from './capture-limits.js';
import { MediaFile, translateFileError } from './media-file.js';

/** NUL ends a name early in C, the others are never part of an honest name. */
// eslint-disable-next-line no-control-regex
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f]/;

/** `file:`, `http:`, `concat:`, `C:` and the like, which other programs would not read as a file name. */
const SCHEME = /^[a-z][a-z0-9+.-]*:/i;

/**
 * The directory below which files may be read on behalf of callers from outside.
 *
 * A name is taken relative to the working directory, or to the root itself where the root does not lie below the
 * working directory, and the file must lie below the root by its real path.
 */
export class MediaRoot {
  readonly #root: string;
  readonly #base: string;

  constructor(root: string, workingDirectory: string = process.cwd()) {
    this.#root = resolve(workingDirectory, root);
    this.#base = isWithin(workingDirectory, this.#root) ? workingDirectory : this.#root;
  }

  /**
   * Opens the file of a name. The caller closes it.
   *
   * @throws {@link AppError} `MEDIA.OUTSIDE_ROOT` whether or not there is a file there, `MEDIA.NOT_FOUND` below the root.
   */
  async open(name: string): Promise<MediaFile> {
    const path = resolve(this.#base, checkedName(name));
    if (!isBelow(this.#root, path)) throw outside('lies outside the media root');
    const [realRoot, realPath] = await this.#realPaths(path);
    if (!isBelow(realRoot, realPath)) throw outside('leads out of the media root');
    const file = await MediaFile.open(realPath);
    try {
      if (!isBelow(realRoot, await file.location())) throw outside('leads out of the media root');
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async #realPaths(path: string): Promise<[string, string]> {
    try {
      return [await realpath(this.#root), await realpath(path)];
    } catch (error) {
      throw translateFileError(error);
    }
  }
}

function checkedName(name: string): string {
  if (name === '' || name.length > MAX_FILE_NAME_LENGTH) throw outside('is empty or too long');
  if (CONTROL_CHARACTERS.test(name)) throw outside('holds a control character');
  if (name.includes('\\')) throw outside('holds a backslash');
  if (isAbsolute(name) || win32.isAbsolute(name)) throw outside('is absolute');
  if (SCHEME.test(name)) throw outside('begins with a scheme or drive');
  if (name.split('/').includes('..')) throw outside('holds ".."');
  return name;
}

function outside(why: string): AppError {
  return new AppError('MEDIA.OUTSIDE_ROOT', `The file name ${why}.`, {
    hint: 'Name a file below the media root (MEDIA_ROOT on the device), relative to its working directory.',
  });
}

function isWithin(directory: string, path: string): boolean {
  return relative(directory, path) === '' || isBelow(directory, path);
}

function isBelow(directory: string, path: string): boolean {
  const way = relative(directory, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

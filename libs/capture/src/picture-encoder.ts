import type { Sharp } from 'sharp';
import { AppError } from '#libs/runtime';
import { MAX_PICTURE_PIXELS } from './capture-limits.js';
import type { Frame } from './frame-source.js';
import type { MediaFile } from './media-file.js';
import { pictureTooLarge } from './oversize.js';
import type { PictureType, StillPicture } from './still-picture.js';
import { bufferPicture, filePicture } from './still-picture.js';

/** How pictures are encoded. */
export interface EncodeOptions {
  readonly jpegQuality: number;
  /** Frames larger than this are scaled down into it. */
  readonly resolution?: { readonly width: number; readonly height: number };
  readonly stripMetadata: boolean;
}

/** Makes JPEG and PNG pictures of frames and of other pictures. */
export class PictureEncoder {
  constructor(private readonly options: EncodeOptions) {}

  /** Encodes a frame of a camera or video. */
  async encodeFrame(frame: Frame, contentType: PictureType): Promise<StillPicture> {
    const sharp = await loadSharp();
    const { width, height, rgb, turnDegrees = 0 } = frame;
    const image = sharp(rgb, { raw: { width, height, channels: 3 }, limitInputPixels: false }).rotate(turnDegrees);
    const { resolution } = this.options;
    if (resolution !== undefined) image.resize({ ...resolution, fit: 'inside', withoutEnlargement: true });
    return this.#encode(image, contentType);
  }

  /**
   * Encodes a picture file, or passes it on as it is where it already has the wanted type; the picture owns the file.
   *
   * @throws {@link AppError} `MEDIA.TOO_LARGE`, `MEDIA.UNREADABLE`.
   */
  async encodeFile(file: MediaFile, contentType: PictureType): Promise<StillPicture> {
    const sharp = await loadSharp();
    try {
      // The header alone is read here, so that a picture too large is told from one that is broken.
      const { format, width, height } = await sharp(file.path, { limitInputPixels: false }).metadata();
      if (width * height > MAX_PICTURE_PIXELS) throw pictureTooLarge({ width, height });
      if (`image/${format}` === contentType && !this.options.stripMetadata) {
        return filePicture(file, { contentType, width, height });
      }
      const upright = sharp(file.path, { limitInputPixels: MAX_PICTURE_PIXELS }).autoOrient().toColourspace('srgb');
      const picture = await this.#encode(this.options.stripMetadata ? upright : upright.keepMetadata(), contentType);
      await file.close();
      return picture;
    } catch (cause) {
      await file.close();
      if (cause instanceof AppError) throw cause;
      throw new AppError('MEDIA.UNREADABLE', 'The picture cannot be decoded.', {
        hint: 'Open it with another program and save it anew.',
        cause,
      });
    }
  }

  async #encode(image: Sharp, contentType: PictureType): Promise<StillPicture> {
    const encoded =
      contentType === 'image/png'
        ? image.png()
        : image.flatten({ background: 'white' }).jpeg({ quality: this.options.jpegQuality });
    const { data, info } = await encoded.toBuffer({ resolveWithObject: true });
    return bufferPicture(data, { contentType, width: info.width, height: info.height });
  }
}

type SharpFactory = typeof import('sharp');

/** Loaded on first use: it costs 30 MB of memory that a program which takes no picture does not need. */
async function loadSharp(): Promise<SharpFactory> {
  const { default: sharp } = await import('sharp');
  // The cache knows files by name, and open files are read as /proc/self/fd/N: the next file would be mistaken for the last.
  sharp.cache(false);
  return sharp;
}

import { type Image, scaleImage } from '../../images/scale-image.js';

/** Models see no more than this of a picture, in pixels. */
const LONGEST_SIDE = 1_024;
/** What vision models read. */
const MODEL_TYPES = ['image/jpeg', 'image/png', 'image/webp', 'image/gif'];

/**
 * The picture that `read` gives when its turn has come, as a vision model wants it: scaled down, and in a format that it reads.
 *
 * @throws {@link AppError} `IMAGE.NOT_AN_IMAGE`, `IMAGE.TOO_LARGE` or `IMAGE.BUSY`; what `read` throws.
 */
export function fitForModel(read: () => Buffer | Promise<Buffer>): Promise<Image> {
  return scaleImage(read, { maxWidth: LONGEST_SIDE, maxHeight: LONGEST_SIDE, keep: MODEL_TYPES });
}

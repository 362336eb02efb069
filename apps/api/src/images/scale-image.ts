import { AppError } from '#libs/runtime';
import { typeOfBytes } from './content-type.js';
import { Turnstile } from './turnstile.js';

/** Enough for 8K pictures; a decoded picture takes up to four bytes a pixel. */
const MAX_PIXELS = 40_000_000;
const TIMEOUT_SECONDS = 10;
const JPEG_QUALITY = 80;

/** Decoding is what costs memory and processor; only whose turn it is holds a picture in memory. */
const AT_ONCE = 2;
const IN_LINE = 32;

const turnstile = new Turnstile(
  AT_ONCE,
  IN_LINE,
  () => new AppError('IMAGE.BUSY', 'Too many images are being scaled.'),
);

export interface Image {
  contentType: string;
  bytes: Buffer;
}

export interface ScaleOptions {
  /** In pixels. */
  maxWidth?: number;
  /** In pixels. */
  maxHeight?: number;
  /** Types that need no conversion when the picture fits. */
  keep: readonly string[];
}

/**
 * The picture that `read` gives when its turn has come, scaled down to fit; it comes back as it is when it fits already. Formats that few programs read become
 * JPEG, or PNG when they may be transparent. What is too large is refused from its header, before it is decoded.
 *
 * @throws {@link AppError} `IMAGE.NOT_AN_IMAGE`, `IMAGE.TOO_LARGE` or `IMAGE.BUSY`; what `read` throws.
 */
export async function scaleImage(
  read: () => Buffer | Promise<Buffer>,
  { maxWidth = Infinity, maxHeight = Infinity, keep }: ScaleOptions,
): Promise<Image> {
  return turnstile.run(async () => {
    const bytes = await read();
    const contentType = typeOfBytes(bytes.subarray(0, 4_096));
    if (!contentType?.startsWith('image/') || contentType === 'image/svg+xml') throw notAnImage();
    const { default: sharp } = await import('sharp');
    sharp.cache(false);
    // Reads the header alone.
    const header = await sharp(bytes, { limitInputPixels: false })
      .metadata()
      .catch((cause: unknown) => {
        throw notAnImage(cause);
      });
    const { width, height, autoOrient, hasAlpha } = header;
    if (width * height > MAX_PIXELS)
      throw new AppError('IMAGE.TOO_LARGE', 'The image has too many pixels.', {
        details: { limit_pixels: MAX_PIXELS },
      });
    const fits = autoOrient.width <= maxWidth && autoOrient.height <= maxHeight;
    if (fits && keep.includes(contentType)) return { contentType, bytes };
    const scaled = sharp(bytes, { limitInputPixels: MAX_PIXELS, sequentialRead: true, failOn: 'error' })
      .autoOrient()
      .resize({
        ...(Number.isFinite(maxWidth) && { width: maxWidth }),
        ...(Number.isFinite(maxHeight) && { height: maxHeight }),
        fit: 'inside',
        withoutEnlargement: true,
      })
      .timeout({ seconds: TIMEOUT_SECONDS });
    const [outputType, output] =
      contentType === 'image/webp'
        ? (['image/webp', scaled.webp({ quality: JPEG_QUALITY })] as const)
        : contentType === 'image/png' || hasAlpha
          ? (['image/png', scaled.png()] as const)
          : (['image/jpeg', scaled.jpeg({ quality: JPEG_QUALITY })] as const);
    const result = await output.toBuffer().catch((cause: unknown) => {
      throw notAnImage(cause);
    });
    return { contentType: outputType, bytes: result };
  });
}

function notAnImage(cause?: unknown): AppError {
  return new AppError('IMAGE.NOT_AN_IMAGE', 'The file is not an image that can be read.', { cause });
}

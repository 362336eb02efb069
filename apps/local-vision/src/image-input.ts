import sharp from 'sharp';
import { ApiError } from './api-error.js';
import { MAXIMUM_IMAGE_BYTES, MAXIMUM_PIXELS } from './vision/limits.js';

const TYPES = ['image/jpeg', 'image/png', 'image/webp', 'image/gif'] as const;
type ImageType = (typeof TYPES)[number];

const DATA_URL_HEAD = /^data:([^;,]{1,100})(;[^,]{0,100})?,/i;

/**
 * The bytes of a picture given as a base64 data URL, after a look at its header: the type is the declared one, and the
 * size is one that may be decoded.
 *
 * @throws {@link ApiError} naming `param` and the rule that was broken.
 */
export async function readImageUrl(url: string, param: string): Promise<Uint8Array> {
  const refuse = (code: string, message: string): ApiError => new ApiError(message, { code, param });
  const [head, declared = '', encoding] = DATA_URL_HEAD.exec(url) ?? [];
  if (head === undefined) {
    throw refuse(
      'image_url_not_supported',
      'Only data URLs are read (data:image/jpeg;base64,...): this server makes no outbound connection. Send the picture itself.',
    );
  }
  const type = declared.toLowerCase();
  if (!isImageType(type)) {
    throw refuse('image_type_not_supported', `The picture's type must be one of ${TYPES.join(', ')}.`);
  }
  const payload = url.slice(head.length);
  if (payload.length > Math.ceil(MAXIMUM_IMAGE_BYTES / 3) * 4) {
    throw refuse('image_too_large', `The picture has more than ${MAXIMUM_IMAGE_BYTES} bytes. Scale it down.`);
  }
  if (encoding?.toLowerCase() !== ';base64' || !isBase64(payload)) {
    throw refuse('invalid_image_url', 'The data URL must hold base64 (data:image/jpeg;base64,...).');
  }
  const bytes = Buffer.from(payload, 'base64');
  const actual = sniffImageType(bytes);
  if (actual !== type) {
    throw refuse(
      actual ? 'image_type_mismatch' : 'invalid_image',
      `The data URL says ${type}, but its bytes are ${actual ?? 'no JPEG, PNG, WebP or GIF'}.`,
    );
  }
  const pixels = await countPixels(bytes);
  if (pixels === undefined) throw refuse('invalid_image', `The picture's ${type} header is damaged.`);
  if (pixels > MAXIMUM_PIXELS) {
    throw refuse('image_too_large', `The picture would have more than ${MAXIMUM_PIXELS} pixels. Scale it down.`);
  }
  return bytes;
}

/** Looks for a character that has no business there: to match millions that have would exhaust the regular expression's stack. */
function isBase64(text: string): boolean {
  const unpadded = text.slice(0, text.endsWith('==') ? -2 : text.endsWith('=') ? -1 : undefined);
  return unpadded !== '' && !/[^A-Za-z0-9+/]/.test(unpadded);
}

/** The type that the first bytes give away, whatever the picture is called. */
function sniffImageType(bytes: Buffer): ImageType | undefined {
  if (bytes.subarray(0, 3).equals(Buffer.from([0xff, 0xd8, 0xff]))) return 'image/jpeg';
  if (bytes.subarray(0, 8).equals(Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'))) return 'image/png';
  if (/^GIF8[79]a/.test(bytes.toString('latin1', 0, 6))) return 'image/gif';
  if (/^RIFF....WEBP/s.test(bytes.toString('latin1', 0, 12))) return 'image/webp';
  return undefined;
}

/** Width times height as the header states them; undefined when it cannot be read. No pixel is decoded. */
async function countPixels(bytes: Buffer): Promise<number | undefined> {
  try {
    // The limit is checked by the caller, who can then say which rule was broken.
    const { width, height } = await sharp(bytes, { limitInputPixels: false, pages: 1 }).metadata();
    return width * height;
  } catch {
    return undefined;
  }
}

function isImageType(type: string): type is ImageType {
  return TYPES.some((known) => known === type);
}

/** Of one picture as it is sent, after base64 decoding. */
export const MAXIMUM_IMAGE_BYTES = 10 * 1024 * 1024;

/** Width times height; a 24 megapixel camera passes, a decompression bomb does not. */
export const MAXIMUM_PIXELS = 40_000_000;

/** No picture is said to hold more objects than this. */
export const MAXIMUM_OBJECTS = 100;

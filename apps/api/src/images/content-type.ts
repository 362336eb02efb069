/** How many bytes from the beginning tell the type. */
export const TYPE_PROBE_BYTES = 4_096;

/** The type of what nobody can tell. */
const UNKNOWN_TYPE = 'application/octet-stream';

/** Bytes that a file of a type has at an offset; several rows of one type are alternatives. */
const SIGNATURES: readonly (readonly [type: string, offset: number, bytes: string])[] = [
  ['image/jpeg', 0, '\xff\xd8\xff'],
  ['image/png', 0, '\x89PNG\r\n\x1a\n'],
  ['image/gif', 0, 'GIF87a'],
  ['image/gif', 0, 'GIF89a'],
  ['image/webp', 8, 'WEBP'],
  ['image/avif', 4, 'ftypavif'],
  ['image/avif', 4, 'ftypavis'],
  ['image/heic', 4, 'ftypheic'],
  ['image/heic', 4, 'ftypmif1'],
  ['image/bmp', 0, 'BM'],
  ['image/tiff', 0, 'II*\0'],
  ['image/tiff', 0, 'MM\0*'],
  ['application/pdf', 0, '%PDF-'],
  ['video/mp4', 4, 'ftyp'],
  ['application/zip', 0, 'PK\x03\x04'],
];

/** Pictures that every browser shows and that cannot carry a script. */
const PICTURE_TYPES = new Set([
  'image/jpeg',
  'image/png',
  'image/gif',
  'image/webp',
  'image/avif',
  'image/bmp',
  'image/tiff',
  'image/heic',
]);

/** An SVG document, after whatever may stand before its root. No part can match in two ways, so it takes linear time. */
const SVG = /^\s*(?:<\?xml[^>]*>\s*)?(?:<!--(?:(?!-->)[^])*-->\s*)*(?:<!DOCTYPE svg[^>]*>\s*)?<svg[\s>]/i;

/** The type that the first bytes of a file show; undefined when they show none. */
export function typeOfBytes(head: Buffer): string | undefined {
  const text = head.toString('latin1');
  const [type] = SIGNATURES.find(([, offset, bytes]) => text.startsWith(bytes, offset)) ?? [];
  return type ?? (SVG.test(text) ? 'image/svg+xml' : undefined);
}

/** The type to store a file under: what its bytes show; else what the sender says, unless it says picture and is none. */
export function contentTypeOf(head: Buffer, declared: string | undefined): string {
  const type = declared?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const isPlausible = /^[a-z0-9][\w.+-]*\/[\w.+-]+$/.test(type) && !type.startsWith('image/');
  return typeOfBytes(head) ?? (isPlausible ? type : UNKNOWN_TYPE);
}

/** True for a picture made of pixels. */
export function isPicture(type: string): boolean {
  return PICTURE_TYPES.has(type);
}

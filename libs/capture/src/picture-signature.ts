/** How many bytes at the start of a file tell whether it is a picture. */
export const SIGNATURE_BYTES = 16;

/** Tells a picture that is decoded as a still from everything else, by its first bytes: a file's name proves nothing. */
export function isPicture(head: Buffer): boolean {
  const text = head.toString('latin1');
  return (
    text.startsWith('\xff\xd8\xff') || // JPEG
    text.startsWith('\x89PNG\r\n\x1a\n') ||
    text.startsWith('GIF8') ||
    (text.startsWith('RIFF') && text.startsWith('WEBP', 8)) ||
    text.startsWith('II*\0') || // TIFF, either byte order
    text.startsWith('MM\0*') ||
    text.startsWith('ftypavif', 4) ||
    text.startsWith('ftypavis', 4)
  );
}

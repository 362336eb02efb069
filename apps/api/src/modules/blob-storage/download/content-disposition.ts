/** Types that a browser may show by itself: none of them can run a script. */
const INLINE_TYPES = /^(?:image\/(?!svg)|video\/|audio\/|text\/plain$|application\/json$)/;

/**
 * How a browser should treat a blob: shown when that is safe, else saved; under the last part of its name.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6266
 */
export function contentDisposition(blobName: string, contentType: string): string {
  const fileName = blobName.slice(blobName.lastIndexOf('/') + 1);
  const kind = INLINE_TYPES.test(contentType) ? 'inline' : 'attachment';

  const ascii = fileName.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  if (ascii === fileName) return `${kind}; filename="${ascii}"`;
  const encoded = encodeURIComponent(fileName).replace(
    /['()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${kind}; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}

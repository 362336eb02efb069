/** What a header's name may not hold. @see https://www.rfc-editor.org/rfc/rfc9110#name-tokens */
const NOT_TOKEN = /[^!#$%&'*+.^_`|~0-9A-Za-z-]/gu;
/** What would end a header, or may not stand in one; `\t` may. */
// eslint-disable-next-line no-control-regex -- they are what it is about
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/g;

/** A property's name as part of a header's: what may not stand in one is percent-encoded. */
export const headerName = (name: string): string => name.toWellFormed().replace(NOT_TOKEN, percentEncoded);

/** A property's value as a header's: UTF-8, with control characters percent-encoded. */
export const headerValue = (value: string): string =>
  // Node writes a header's characters as bytes.
  Buffer.from(value.toWellFormed().replace(CONTROL, percentEncoded)).toString('latin1');

function percentEncoded(character: string): string {
  return Array.from(Buffer.from(character), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}

export interface ByteRange {
  /** Of the first byte, from 0. */
  offset: number;
  count: number;
}

/**
 * The bytes that a `Range` header asks for: `undefined` when the whole is to be sent, as for several ranges or another
 * unit; `'unsatisfiable'` when there are no such bytes.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-14.2
 */
export function parseByteRange(header: string | undefined, sizeBytes: number): ByteRange | 'unsatisfiable' | undefined {
  const [, from = '', to = ''] = /^bytes=\s*(\d*)\s*-\s*(\d*)\s*$/i.exec(header ?? '') ?? [];
  if (from === '' && to === '') return undefined;
  if (from === '') {
    const count = Math.min(Number(to), sizeBytes);
    return count === 0 ? 'unsatisfiable' : { offset: sizeBytes - count, count };
  }
  const offset = Number(from);
  const last = to === '' ? sizeBytes - 1 : Math.min(Number(to), sizeBytes - 1);
  if (to !== '' && Number(to) < offset) return undefined;
  return offset >= sizeBytes ? 'unsatisfiable' : { offset, count: last - offset + 1 };
}

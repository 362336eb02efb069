import type { NameReader } from '../query/tokenizer.js';

const FIRST_SEGMENT = /[\p{L}_$][\p{L}\p{N}_$]*(?:-\p{L}[\p{L}\p{N}_$]*)*/uy;
const NEXT_SEGMENT = /\.([\p{L}\p{N}_$]+(?:-\p{L}[\p{L}\p{N}_$]*)*)|\[(\d{1,9})\]/uy;

/**
 * Names of the route language: unlike a twin query's they may hold hyphens before letters (`$dt-subject`) and places in
 * arrays (`$body.readings[0].value`), which become segments of digits.
 */
export const readRouteName: NameReader = (text, position) => {
  FIRST_SEGMENT.lastIndex = position;
  const first = FIRST_SEGMENT.exec(text)?.[0];
  if (first === undefined) return undefined;
  const segments: [string, ...string[]] = [first];
  let end = position + first.length;
  for (;;) {
    NEXT_SEGMENT.lastIndex = end;
    const next = NEXT_SEGMENT.exec(text);
    if (next === null) return { token: { kind: 'name', segments, bracketed: false, position }, end };
    segments.push(next[1] ?? next[2] ?? '');
    end += next[0].length;
  }
};

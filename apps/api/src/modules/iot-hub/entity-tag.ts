import { AppError } from '#libs/runtime';

const STRONG_TAG = /^"([^"\p{Cc}]*)"$/u;

/**
 * The tag in an If-Match header, without its quotes; undefined for `*` and for no header.
 *
 * @throws {@link AppError} `REQUEST.INVALID` for anything but one strong tag.
 */
export function parseIfMatch(header: string | undefined): string | undefined {
  const text = header?.trim();
  if (text === undefined || text === '*' || text === '"*"') return undefined;
  const tag = STRONG_TAG.exec(text)?.[1] ?? (/^[\w+/=-]+$/.test(text) ? text : undefined);
  if (tag) return tag;
  const problem = 'If-Match must be one entity tag as the ETag header gave it, or *';
  throw new AppError('REQUEST.INVALID', problem, { details: { problems: [problem] } });
}

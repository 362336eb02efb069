import { createHash } from 'node:crypto';
import { HubError } from '../errors/hub-errors.js';

/** Where the next page of a query begins. */
export interface Continuation {
  /** Rows given so far, over all pages. */
  readonly taken: number;
  /** Key of the last row given; absent for rows that have none. */
  readonly after?: readonly (string | number)[];
}

/** A continuation as opaque text for a header, usable with the same query only. */
export function writeContinuation(query: string, { taken, after }: Continuation): string {
  return Buffer.from(JSON.stringify([digest(query), taken, ...(after ?? [])])).toString('base64url');
}

/**
 * @param keyLength how many values the key of a row has; 0 for rows without.
 * @throws {@link HubError} ArgumentInvalid for a text that no page of this query ended with.
 */
export function readContinuation(query: string, token: string, keyLength: number): Continuation {
  const fields = parse(token);
  if (Array.isArray(fields)) {
    const [owner, taken, ...after] = fields as unknown[];
    const belongs = owner === digest(query) && Number.isSafeInteger(taken) && (taken as number) > 0;
    if (belongs && after.length === keyLength && after.every(isKey)) {
      return { taken: taken as number, ...(keyLength > 0 && { after }) };
    }
  }
  throw new HubError('ArgumentInvalid', 'The continuation token does not belong to this query.');
}

const isKey = (value: unknown): value is string | number => typeof value === 'string' || typeof value === 'number';

function parse(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString());
  } catch {
    return undefined;
  }
}

const digest = (query: string): string => createHash('sha256').update(query).digest('base64url').slice(0, 16);

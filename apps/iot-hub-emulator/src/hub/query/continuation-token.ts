import { createHash } from 'node:crypto';
import { HubError } from '../errors/hub-errors.js';

/** Where the next page of a query begins. */
export interface Continuation {
  /** Rows given so far, over all pages. */
  readonly taken: number;
  /** The last device given; absent for grouped rows. */
  readonly afterDeviceId?: string;
}

/** A continuation as opaque text for a header, usable with the same query only. */
export function writeContinuation(query: string, { taken, afterDeviceId }: Continuation): string {
  return Buffer.from(JSON.stringify([digest(query), taken, afterDeviceId ?? null])).toString('base64url');
}

/** @throws {@link HubError} ArgumentInvalid for a text that no page of this query ended with. */
export function readContinuation(query: string, token: string): Continuation {
  const fields = parse(token);
  if (Array.isArray(fields)) {
    const [owner, taken, afterDeviceId] = fields as unknown[];
    if (owner === digest(query) && Number.isSafeInteger(taken) && (taken as number) > 0) {
      if (afterDeviceId === null) return { taken: taken as number };
      if (typeof afterDeviceId === 'string') return { taken: taken as number, afterDeviceId };
    }
  }
  throw new HubError('ArgumentInvalid', 'The continuation token does not belong to this query.');
}

function parse(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString());
  } catch {
    return undefined;
  }
}

const digest = (query: string): string => createHash('sha256').update(query).digest('base64url').slice(0, 16);

import { percentDecode } from '../../hub/access/sas-token.js';
import { matchSegments } from '../match-segments.js';

/**
 * The segments of a link's address, percent-decoded: scheme and authority of a full URL (`amqps://{hub}/messages/…`), the
 * slash at the beginning and a query are left out.
 *
 * @returns undefined when it is not percent-encoded UTF-8
 */
export function addressSegments(address: string): string[] | undefined {
  const path = address.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, '').replace(/\?.*$/s, '');
  const segments = path.replace(/^\//, '').replace(/\/$/, '').split('/').map(percentDecode);
  return segments.every((segment) => segment !== undefined) ? segments : undefined;
}

/** As {@link matchSegments}, with a pattern such as `/devices/:deviceId/messages/events`. */
export const matchAddress = (pattern: string, segments: readonly string[]): Record<string, string> | undefined =>
  matchSegments(pattern.replace(/^\//, '').split('/'), segments);

import { percentDecode } from '../../hub/access/sas-token.js';

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

/**
 * Matches an address against a pattern such as `/devices/:deviceId/messages/events`. Case does not matter but in the
 * values of `:name` segments, which are never empty.
 *
 * @returns those values, or undefined when the pattern does not match
 */
export function matchAddress(pattern: string, segments: readonly string[]): Record<string, string> | undefined {
  const expected = pattern.replace(/^\//, '').split('/');
  if (expected.length !== segments.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, segment] of expected.entries()) {
    const value = segments[index] ?? '';
    if (segment.startsWith(':')) {
      if (value === '') return undefined;
      params[segment.slice(1)] = value;
    } else if (segment.toLowerCase() !== value.toLowerCase()) {
      return undefined;
    }
  }
  return params;
}

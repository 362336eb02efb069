/**
 * Matches the segments of a path or address, decoded, against those of a pattern. Case does not matter but in the values
 * of `:name` segments, which are never empty.
 *
 * @returns those values, or undefined when the pattern does not match
 */
export function matchSegments(
  pattern: readonly string[],
  segments: readonly string[],
): Record<string, string> | undefined {
  if (pattern.length !== segments.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, expected] of pattern.entries()) {
    const value = segments[index] ?? '';
    if (expected.startsWith(':')) {
      if (value === '') return undefined;
      params[expected.slice(1)] = value;
    } else if (expected.toLowerCase() !== value.toLowerCase()) {
      return undefined;
    }
  }
  return params;
}

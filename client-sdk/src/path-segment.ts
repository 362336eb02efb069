import { invalidArgument } from './failures.js';

/**
 * Checks what will stand in a path: nothing, `.` and `..` would make it the path of another route.
 *
 * @throws {@link SpyglassError} `CLIENT.INVALID_ARGUMENT`
 */
export function checkPathSegment(name: string, value: unknown): void {
  if (typeof value !== 'string' || /^\.{0,2}$/.test(value)) throw invalidArgument(`${name} must not be empty, . or ..`);
}

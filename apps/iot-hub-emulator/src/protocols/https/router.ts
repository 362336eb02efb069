import { HubError } from '../../hub/errors/hub-errors.js';
import { percentDecode } from '../../hub/access/sas-token.js';
import { matchSegments } from '../match-segments.js';
import type { HttpRoute } from './http-route.js';

/** A route and the values of its `:name` segments. */
export interface RouteMatch {
  readonly route: HttpRoute;
  readonly params: Record<string, string>;
}

/**
 * Makes a function that finds the route of a request; earlier routes win.
 *
 * @returns a function of method and path (still encoded, without query). It throws {@link HubError} `RouteNotFound`,
 *   `MethodNotAllowed`, or `ArgumentInvalid` for a path that cannot be decoded.
 */
export function createRouter(routes: readonly HttpRoute[]): (method: string, path: string) => RouteMatch {
  const compiled = routes.map((route) => ({ route, segments: segmentsOf(route.path) }));
  return (method, path) => {
    const actual = segmentsOf(path).map((segment) => {
      const decoded = percentDecode(segment);
      if (decoded === undefined) throw new HubError('ArgumentInvalid', 'The path is not percent-encoded UTF-8.');
      return decoded;
    });
    let pathIsKnown = false;
    for (const { route, segments } of compiled) {
      const params = matchSegments(segments, actual);
      if (params === undefined) continue;
      if (route.method === method) return { route, params };
      pathIsKnown = true;
    }
    throw pathIsKnown
      ? new HubError('MethodNotAllowed', 'This path does not take this HTTP method.')
      : new HubError('RouteNotFound', 'There is no such operation.');
  };
}

/** Clients may end a path with a slash. */
const segmentsOf = (path: string): string[] => path.replace(/^\//, '').replace(/\/$/, '').split('/');

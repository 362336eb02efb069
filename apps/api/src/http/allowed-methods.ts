import type { Request } from 'express';

/** The part of Express' router that is looked at; Express does not declare it. */
interface RouterLayer {
  readonly route?: { readonly methods: Readonly<Record<string, boolean>> };
  match(path: string): boolean;
}

/** A route with more methods than this is a middleware that Nest mounts for all of them, not an operation. */
const MAX_METHODS_OF_AN_OPERATION = 8;

/** The methods that the path of `request` supports, in capitals; none when there is no such path. */
export function allowedMethods(request: Request): string[] {
  const { stack } = (request.app as unknown as { router: { stack: readonly RouterLayer[] } }).router;
  const methods = stack
    .filter((layer) => layer.route && layer.match(request.path))
    .map((layer) => Object.keys(layer.route?.methods ?? {}))
    .filter((names) => names.length <= MAX_METHODS_OF_AN_OPERATION)
    .flatMap((names) => (names.includes('get') ? [...names, 'head'] : names));
  return [...new Set(methods)].map((method) => method.toUpperCase()).sort();
}

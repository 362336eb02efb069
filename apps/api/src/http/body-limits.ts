import { AppError } from '#libs/runtime';
import type { RequestHandler } from 'express';

/** JSON carries parameters, never pictures; a direct method's payload is at most 128 KiB. */
export const JSON_BODY_LIMIT_BYTES = 256 * 1024;

/** Deeper JSON serves nobody, and everything that walks through it would need a stack to match. */
const MAX_JSON_DEPTH = 64;

/** Refuses a parsed body that is nested too deep. */
export function refuseDeepBody(): RequestHandler {
  return (request, _response, next) => {
    let level = nestedIn([request.body]);
    for (let depth = 0; level.length > 0; depth++) {
      if (depth === MAX_JSON_DEPTH) {
        const problem = `the body must not be nested more than ${MAX_JSON_DEPTH} deep`;
        next(new AppError('REQUEST.INVALID', problem, { details: { problems: [problem] } }));
        return;
      }
      level = level.flatMap((value) => nestedIn(Object.values(value)));
    }
    next();
  };
}

function nestedIn(values: readonly unknown[]): object[] {
  return values.filter((value) => typeof value === 'object' && value !== null);
}

/** Leaves an empty body undefined, which the parser takes for `{}`. */
export function forgetEmptyBody(): RequestHandler {
  return (request, _response, next) => {
    if (request.headers['content-length'] === '0') request.body = undefined;
    next();
  };
}

/** Refuses bodies that no operation reads, before the operation complains of missing fields. */
export function refuseOtherBodies(): RequestHandler {
  return (request, _response, next) => {
    const empty = request.headers['content-length'] === '0';
    const other = !empty && request.is(['json', 'multipart/form-data']) === false;
    next(
      other
        ? new AppError(
            'REQUEST.MEDIA_TYPE_NOT_SUPPORTED',
            'The body is neither application/json nor multipart/form-data.',
          )
        : undefined,
    );
  };
}

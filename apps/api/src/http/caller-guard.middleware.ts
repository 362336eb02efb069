import { AppError } from '#libs/runtime';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { HttpConfig } from '../api.config.js';
import { sendProblem } from './send-problem.js';

const EMBEDDED_HINT = 'Add the origin to the setting CORS_ORIGINS, and the attribute crossorigin to the element.';

/**
 * Keeps foreign web pages from driving the API, which they otherwise could: every page may send requests to a loopback
 * port, by DNS rebinding even as its own origin. The Host header must be an allowed name, and a page of another
 * origin is refused unless CORS_ORIGINS lists it and it shows its origin, as all that asks by CORS does.
 */
export function guardCaller({ allowedHosts, corsOrigins }: HttpConfig): RequestHandler {
  const hosts = new Set(allowedHosts.map((host) => host.toLowerCase()));
  const origins = new Set(corsOrigins);
  return (request: Request, response: Response, next: NextFunction) => {
    const host = request.headers.host?.toLowerCase();
    const { origin } = request.headers;
    if (host === undefined || !(hosts.has(host) || hosts.has(withoutPort(host)))) {
      sendProblem(response, new AppError('REQUEST.HOST_NOT_ALLOWED', 'The Host header names no host of this API.'));
    } else if (origin === undefined ? isEmbedded(request) : !(origins.has(origin) || isOwn(origin, host))) {
      sendProblem(
        response,
        new AppError(
          'REQUEST.FOREIGN_ORIGIN',
          'The request comes from a web page of another origin.',
          origin === undefined ? { hint: EMBEDDED_HINT } : {},
        ),
      );
    } else next();
  };
}

function withoutPort(host: string): string {
  return host.replace(/:\d{1,5}$/, '');
}

function isOwn(origin: string, host: string): boolean {
  return origin === `http://${host}` || origin === `https://${host}`;
}

/**
 * True for what a page of another origin has in itself: pictures, scripts, frames. Browsers send these without Origin,
 * so whether the page is a listed one cannot be told; they do say that it is foreign. A link that is followed is not
 * part of a page.
 *
 * @see https://www.w3.org/TR/fetch-metadata/
 */
function isEmbedded({ method, headers }: Request): boolean {
  const site = headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin' || site === 'none') return false;
  const followsLink =
    method === 'GET' && headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
  return !followsLink;
}

import { AppError } from '#libs/runtime';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { HttpConfig } from '../api.config.js';
import { sendProblem } from './send-problem.js';

/**
 * Keeps foreign web pages from driving the API, which they otherwise could: every page may send requests to a loopback
 * port, by DNS rebinding even as its own origin. The Host header must be an allowed name, and a page of another
 * origin is refused unless CORS_ORIGINS lists it.
 */
export function guardCaller({ allowedHosts, corsOrigins }: HttpConfig): RequestHandler {
  const hosts = new Set(allowedHosts.map((host) => host.toLowerCase()));
  const origins = new Set(corsOrigins);
  return (request: Request, response: Response, next: NextFunction) => {
    const host = request.headers.host?.toLowerCase();
    if (host === undefined || !(hosts.has(host) || hosts.has(withoutPort(host)))) {
      sendProblem(response, new AppError('REQUEST.HOST_NOT_ALLOWED', 'The Host header names no host of this API.'));
    } else if (isForeignPage(request, host, origins)) {
      sendProblem(
        response,
        new AppError('REQUEST.FOREIGN_ORIGIN', 'The request comes from a web page of another origin.'),
      );
    } else next();
  };
}

function withoutPort(host: string): string {
  return host.replace(/:\d{1,5}$/, '');
}

function isForeignPage(request: Request, host: string, allowedOrigins: ReadonlySet<string>): boolean {
  const { origin } = request.headers;
  if (origin !== undefined)
    return !(allowedOrigins.has(origin) || origin === `http://${host}` || origin === `https://${host}`);
  // Images, scripts and forms that only read come without Origin; browsers then still say whose page it is.
  const site = request.headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin' || site === 'none') return false;
  const followsLink =
    request.headers['sec-fetch-mode'] === 'navigate' && request.headers['sec-fetch-dest'] === 'document';
  return !followsLink && allowedOrigins.size === 0;
}

import { isIP } from 'node:net';

/** Where the hub listens unless told otherwise. */
export const DEFAULT_HOST = '127.0.0.1';

/** Whether only this machine can reach what listens there. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** The name by which clients reach a server that listens there: `localhost`, unless it is one address of its own. */
export function publicName(host: string): string {
  return isLoopback(host) || host === '0.0.0.0' || host === '::' ? 'localhost' : host;
}

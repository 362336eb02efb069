import type { IncomingMessage } from 'node:http';
import { CosmosError } from './cosmos-error.js';

const LOOPBACK_HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i;

/**
 * Keeps web pages out, which may send requests to a loopback port, by DNS rebinding even as their own origin: no page
 * may call, and only names of this machine are answered to.
 *
 * @throws {@link CosmosError} 403 or 421
 */
export function guardCaller({ headers }: IncomingMessage): void {
  if (headers.origin !== undefined || headers['sec-fetch-site'] !== undefined)
    throw new CosmosError(403, 'Forbidden', 'Web pages may not call the local Cosmos DB.');
  if (!LOOPBACK_HOST.test(headers.host ?? ''))
    throw new CosmosError(421, 'MisdirectedRequest', 'The local Cosmos DB answers to localhost and 127.0.0.1 alone.');
}

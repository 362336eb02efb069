import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { CosmosError } from './cosmos-error.js';
import type { ResourcePath } from './resource-path.js';

/**
 * The account key of Microsoft's emulator, which everybody knows: it keeps nobody out.
 *
 * @see https://learn.microsoft.com/azure/cosmos-db/emulator#authentication
 */
export const ACCOUNT_KEY = 'C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw==';

const KEY = Buffer.from(ACCOUNT_KEY, 'base64');

/**
 * Refuses a request that is not signed with {@link ACCOUNT_KEY}; when it was signed is not looked at.
 *
 * @throws {@link CosmosError} 401
 * @see https://learn.microsoft.com/rest/api/cosmos-db/access-control-on-cosmosdb-resources
 */
export function requireSignature(request: IncomingMessage, { type, link }: ResourcePath): void {
  const { authorization = '', 'x-ms-date': date = '' } = request.headers;
  const signature = /^type=master&ver=1\.0&sig=([\w+/=]+)$/.exec(decoded(authorization))?.[1];
  if (signature === undefined)
    throw unauthorized('Requests must be signed with the account key; Entra ID and resource tokens are not supported.');
  const text = `${(request.method ?? '').toLowerCase()}\n${type}\n${link}\n${String(date).toLowerCase()}\n\n`;
  const expected = createHmac('sha256', KEY).update(text).digest();
  const given = Buffer.from(signature, 'base64');
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    throw unauthorized("The signature does not fit the request. The account key is that of Microsoft's emulator.");
}

function decoded(header: string): string {
  try {
    return decodeURIComponent(header);
  } catch {
    return '';
  }
}

function unauthorized(message: string): CosmosError {
  return new CosmosError(401, 'Unauthorized', message);
}

import { badRequest } from './cosmos-error.js';

/** What a request is about: one resource (`dbs/a/colls/b`) or a feed of them (`dbs/a/colls`). */
export interface ResourcePath {
  /** `dbs`, `colls`, `docs` and so on; empty for the account itself. */
  readonly type: string;
  /** What the signature of the request covers: the resource, or the parent of the feed. */
  readonly link: string;
  /** False for a feed. */
  readonly isItem: boolean;
  readonly databaseId: string;
  readonly containerId: string;
  /** Of an item below a container; empty for its feed. */
  readonly itemId: string;
}

/** @see https://learn.microsoft.com/rest/api/cosmos-db/cosmosdb-resource-uri-syntax-for-rest */
export function parseResourcePath(url: string): ResourcePath {
  const segments = url
    .replace(/[?#].*$/s, '')
    .split('/')
    .filter((segment) => segment !== '')
    .map(decode);
  const isItem = segments.length % 2 === 0;
  const [, databaseId = '', , containerId = '', , itemId = ''] = segments;
  return {
    type: segments.at(isItem ? -2 : -1) ?? '',
    link: segments.slice(0, isItem ? undefined : -1).join('/'),
    isItem,
    databaseId,
    containerId,
    itemId,
  };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw badRequest('The address is not well-formed.');
  }
}

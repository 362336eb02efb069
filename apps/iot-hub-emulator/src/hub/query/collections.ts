import type { Collection } from './collection.js';
import { invalidQuery } from './invalid-query.js';
import { DEVICE_JOBS } from './job-collection.js';
import type { PathExpression } from './query-ast.js';
import { DEVICES, MODULES } from './twin-collection.js';

const COLLECTIONS: ReadonlyMap<string, Collection> = new Map([
  ['devices', DEVICES],
  ['devices.modules', MODULES],
  ['devices.jobs', DEVICE_JOBS],
]);

/** The collection a query is FROM. @throws {@link HubError} ArgumentInvalid when there is none such. */
export function findCollection({ segments, position }: PathExpression): Collection {
  const name = segments.join('.');
  const collection = COLLECTIONS.get(name.toLowerCase());
  if (collection !== undefined) return collection;
  throw invalidQuery(position, `there is no collection ${name}; use ${[...COLLECTIONS.keys()].join(', ')}.`);
}

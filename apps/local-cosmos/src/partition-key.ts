import { type Call, header, isObject } from './call.js';
import { badRequest } from './cosmos-error.js';

/** A partition key's value; a document without one has a value of its own kind. */
export interface PartitionKey {
  readonly value: string | number | boolean | null | undefined;
  /** As the protocol writes it: JSON, and `{}` for none. */
  readonly text: string;
}

/** What the header of a call says; undefined when the call has none.
 *
 * @throws {@link CosmosError} 400
 */
export function partitionOfCall(call: Call): PartitionKey | undefined {
  const text = header(call, 'x-ms-documentdb-partitionkey');
  return text === undefined ? undefined : parsePartitionKey(text);
}

/** @throws {@link CosmosError} 400 unless `text` is a JSON array of one plain value. */
export function parsePartitionKey(text: unknown): PartitionKey {
  let values: unknown;
  try {
    values = JSON.parse(String(text));
  } catch {
    values = undefined;
  }
  if (!Array.isArray(values) || values.length !== 1)
    throw badRequest('The partition key must be a JSON array of one value.');
  const [value] = values as [unknown];
  if (isObject(value) && Object.keys(value).length === 0) return { value: undefined, text: '{}' };
  return partitionKey(value);
}

/** The partition that a document belongs to, by the path of its container. */
export function partitionOf(document: object, path: readonly string[]): PartitionKey {
  const value = path.reduce<unknown>((at, name) => (isObject(at) ? at[name] : undefined), document);
  return value === undefined ? { value, text: '{}' } : partitionKey(value);
}

function partitionKey(value: unknown): PartitionKey {
  if (typeof value === 'object' && value !== null)
    throw badRequest('A partition key must be a string, number, boolean or null.');
  return { value: value as PartitionKey['value'], text: JSON.stringify(value) };
}

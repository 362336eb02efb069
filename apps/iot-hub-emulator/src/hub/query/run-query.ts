import type { Hub } from '../hub.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../json.js';
import { compileQuery, type AggregateQuery, type DocumentColumn, type DocumentQuery } from './compile-query.js';
import { readContinuation, writeContinuation, type Continuation } from './continuation-token.js';
import { MAX_PAGE_BYTES } from './query-limits.js';
import { pageSize, type QueryPage, type QueryRequest } from './query-page.js';

/** The parts of the hub a query reads. */
type QueryableHub = Pick<Hub, 'store' | 'activity'>;

/**
 * One page of the result of a query in IoT Hub's query language: documents in the order of their ids, groups in the order
 * of their value. Pages show the hub as it is when they are read, not as it was at the first page.
 *
 * @throws {@link HubError} `ArgumentInvalid` for what the language does not have, with place and reason, and for a
 * continuation of another query.
 * @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-query-language
 */
export function runQuery(hub: QueryableHub, request: QueryRequest): QueryPage {
  const { query, continuation } = request;
  const largest = pageSize(request);
  const compiled = compileQuery(query);
  const keyLength = compiled.kind === 'documents' ? compiled.collection.keys.length : 0;
  const from = continuation === undefined ? { taken: 0 } : readContinuation(query, continuation, keyLength);
  hub.activity.flush();
  const size = Math.min(largest, Math.max(0, (compiled.top ?? Infinity) - from.taken));
  const { items, next } =
    compiled.kind === 'documents' ? documentPage(hub, compiled, from, size) : groupPage(hub, compiled, from, size);
  const more = next !== undefined && next.taken < (compiled.top ?? Infinity);
  return {
    items,
    itemType: compiled.kind === 'documents' && compiled.columns === undefined ? compiled.collection.itemType : 'Raw',
    ...(more && { continuation: writeContinuation(query, next) }),
  };
}

interface Page {
  readonly items: JsonObject[];
  /** Absent if nothing follows. */
  readonly next?: Continuation;
}

function documentPage(hub: QueryableHub, query: DocumentQuery, from: Continuation, size: number): Page {
  const { collection, parameters } = query;
  const { table, belongs, keys } = collection;
  const key = keys.join(', ');
  const start = keys.map((_, index) => `?${parameters.length + 1 + index}`).join(', ');
  // Prepared anew: the store keeps its statements for ever, and there is no end to the texts of callers.
  const statement = hub.store.database.prepare(
    `SELECT * FROM ${table} WHERE ${belongs} AND (${key}) > (${start}) AND ${query.condition}
     ORDER BY ${key} LIMIT ?${parameters.length + keys.length + 1}`,
  );
  const items: JsonObject[] = [];
  let sizeBytes = 0;
  let after = from.after ?? keys.map(() => '');
  for (const row of statement.iterate(...parameters, ...after, size + 1)) {
    if (items.length === size || sizeBytes > MAX_PAGE_BYTES) {
      return { items, next: { taken: from.taken + items.length, after } };
    }
    const document = collection.toDocument(row);
    items.push(query.columns === undefined ? document : project(document, query.columns));
    sizeBytes += collection.sizeBytes(row);
    after = keys.map((column) => row[column] as string);
  }
  return { items };
}

/** The named values of a document. What it does not have is left out. */
function project(document: JsonObject, columns: readonly DocumentColumn[]): JsonObject {
  return Object.fromEntries(
    columns.flatMap(({ name, segments }) => {
      const value = valueAt(document, segments);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function valueAt(document: JsonObject, segments: readonly string[]): JsonValue | undefined {
  let value: JsonValue | undefined = document;
  for (const segment of segments) {
    if (!isJsonObject(value) || !Object.hasOwn(value, segment)) return undefined;
    value = value[segment];
  }
  return value;
}

function groupPage(hub: QueryableHub, query: AggregateQuery, { taken }: Continuation, size: number): Page {
  const limit = query.parameters.length + 1;
  const statement = hub.store.database.prepare(`${query.sql} LIMIT ?${limit} OFFSET ?${limit + 1}`);
  const rows = statement.all(...query.parameters, size + 1, taken);
  const items = rows.slice(0, size).map((row) =>
    Object.fromEntries(
      query.names.flatMap((name, index) => {
        const json = row[`c${index}`];
        return typeof json === 'string' ? [[name, JSON.parse(json) as JsonValue]] : [];
      }),
    ),
  );
  return { items, ...(rows.length > size && { next: { taken: taken + items.length } }) };
}

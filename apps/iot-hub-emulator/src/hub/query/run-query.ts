import type { Store } from '../../storage/store.js';
import type { Hub } from '../hub.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../json.js';
import type { SqlRow } from './collection.js';
import { ScratchTable } from '../../storage/scratch-table.js';
import {
  type AggregateQuery,
  compileQuery,
  type DocumentColumn,
  type DocumentQuery,
  partsSql,
  wholesSql,
} from './compile-query.js';
import { readContinuation, writeContinuation, type Continuation } from './continuation-token.js';
import { MAX_PAGE_BYTES } from './query-limits.js';
import { pageSize, type QueryPage, type QueryRequest } from './query-page.js';
import { DEFAULT_PACE, scanInSlices, type Slice, sliceCondition, type SlicePace } from './scan-slice.js';

/** The parts of the hub a query reads. */
type QueryableHub = Pick<Hub, 'store' | 'activity'>;

/**
 * One page of the result of a query in IoT Hub's query language: documents in the order of their ids, groups in the order
 * of their value. Pages show the hub as it is when they are read, not as it was at the first page; it is read in
 * slices, so that other work goes on.
 *
 * @param signal ends it when the caller has gone; it then fails with its reason.
 * @throws {@link HubError} `ArgumentInvalid` for what the language does not have, with place and reason, and for a
 * continuation of another query.
 * @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-query-language
 */
export async function runQuery(
  hub: QueryableHub,
  request: QueryRequest,
  { signal, pace = DEFAULT_PACE }: { readonly signal?: AbortSignal; readonly pace?: SlicePace } = {},
): Promise<QueryPage> {
  const { query, continuation } = request;
  const largest = pageSize(request);
  const compiled = compileQuery(query);
  const keyLength = compiled.kind === 'documents' ? compiled.collection.keys.length : 0;
  const from = continuation === undefined ? { taken: 0 } : readContinuation(query, continuation, keyLength);
  hub.activity.flush();
  const size = Math.min(largest, Math.max(0, (compiled.top ?? Infinity) - from.taken));
  const place = { from, size, pace, signal };
  const { items, next } = await (compiled.kind === 'documents'
    ? documentPage(hub, compiled, place)
    : groupPage(hub, compiled, place));
  const more = next !== undefined && next.taken < (compiled.top ?? Infinity);
  return {
    items,
    itemType: compiled.kind === 'documents' && compiled.columns === undefined ? compiled.collection.itemType : 'Raw',
    ...(more && { continuation: writeContinuation(query, next) }),
  };
}

interface PagePlace {
  readonly from: Continuation;
  /** Most items. */
  readonly size: number;
  readonly pace: SlicePace;
  readonly signal: AbortSignal | undefined;
}

interface Page {
  readonly items: JsonObject[];
  /** Absent if nothing follows. */
  readonly next?: Continuation;
}

async function documentPage(
  { store }: QueryableHub,
  query: DocumentQuery,
  { from, size, ...scan }: PagePlace,
): Promise<Page> {
  const { collection, columns } = query;
  const items: JsonObject[] = [];
  let sizeBytes = 0;
  let after = from.after ?? collection.keys.map(() => '');
  const isFull = await scanInSlices(store, collection, { ...scan, from: after }, (slice) => {
    for (const row of rowsOf(store, query, slice, size + 1 - items.length)) {
      if (items.length === size || sizeBytes > MAX_PAGE_BYTES) return true;
      const document = collection.toDocument(row);
      items.push(columns === undefined ? document : project(document, columns));
      sizeBytes += collection.sizeBytes(row);
      after = collection.keys.map((column) => row[column] as string);
    }
    return false;
  });
  return { items, ...(isFull && { next: { taken: from.taken + items.length, after } }) };
}

/** Rows of a slice that meet the query's condition, in order. */
function rowsOf(
  { database }: Store,
  { collection, condition, parameters }: DocumentQuery,
  slice: Slice,
  limit: number,
): Iterable<SqlRow> {
  const { table, belongs, keys } = collection;
  const { sql, values } = sliceCondition(collection, slice, parameters.length);
  // Prepared anew: the store keeps its statements for ever, and there is no end to the texts of callers.
  return database
    .prepare(
      `SELECT * FROM ${table} WHERE ${belongs} AND ${sql} AND ${condition} ORDER BY ${keys.join(', ')} LIMIT ${limit}`,
    )
    .iterate(...parameters, ...values);
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

async function groupPage(
  { store }: QueryableHub,
  query: AggregateQuery,
  { from: { taken }, size, ...scan }: PagePlace,
): Promise<Page> {
  const { collection, parameters } = query;
  const parts = new ScratchTable(query.parts.map((_, index) => `v${index}`));
  try {
    const from = collection.keys.map(() => '');
    await scanInSlices(store, collection, { ...scan, from }, (slice) => {
      const { sql, values } = sliceCondition(collection, slice, parameters.length);
      const rows = store.database.prepare(partsSql(query, sql)).iterate(...parameters, ...values);
      for (const row of rows) parts.insert(Object.values(row));
      return false;
    });
    const rows = parts.all(`${wholesSql(query, 'scratch')} LIMIT ? OFFSET ?`, size + 1, taken);
    const items = rows.slice(0, size).map((row) => group(query, row));
    return { items, ...(rows.length > size && { next: { taken: taken + items.length } }) };
  } finally {
    parts.close();
  }
}

/** The named values of a group. What it does not have is left out. */
function group({ names }: AggregateQuery, row: SqlRow): JsonObject {
  return Object.fromEntries(
    names.flatMap((name, index) => {
      const json = row[`c${index}`];
      return typeof json === 'string' ? [[name, JSON.parse(json) as JsonValue]] : [];
    }),
  );
}

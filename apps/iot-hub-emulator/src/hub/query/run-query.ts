import type { DeviceRow } from '../../storage/device-row.js';
import { HubError } from '../errors/hub-errors.js';
import type { Hub } from '../hub.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../json.js';
import { toTwin } from '../twins/twin-view.js';
import { compileQuery, type AggregateQuery, type TwinColumn, type TwinQuery } from './compile-query.js';
import { readContinuation, writeContinuation, type Continuation } from './continuation-token.js';
import { MAX_PAGE_BYTES, MAX_PAGE_ITEMS } from './query-limits.js';
import type { QueryPage, QueryRequest } from './query-page.js';

/** The parts of the hub a query reads. */
type QueryableHub = Pick<Hub, 'store' | 'activity'>;

/**
 * One page of the result of a query in IoT Hub's query language: twins in the order of device ids, groups in the order
 * of their value. Pages show the hub as it is when they are read, not as it was at the first page.
 *
 * @throws {@link HubError} `ArgumentInvalid` for what the language does not have, with place and reason, and for a
 * continuation of another query; `NotImplemented` for a collection other than `devices`.
 * @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-query-language
 */
export function runQuery(hub: QueryableHub, { query, maxItemCount, continuation }: QueryRequest): QueryPage {
  if (!Number.isSafeInteger(maxItemCount) || maxItemCount < 1) {
    throw new HubError('ArgumentInvalid', 'The page size must be a whole number from 1.');
  }
  const compiled = compileQuery(query);
  const from = continuation === undefined ? { taken: 0 } : readContinuation(query, continuation);
  hub.activity.flush();
  const size = Math.min(maxItemCount, MAX_PAGE_ITEMS, Math.max(0, (compiled.top ?? Infinity) - from.taken));
  const { items, next } =
    compiled.kind === 'twins' ? twinPage(hub, compiled, from, size) : groupPage(hub, compiled, from, size);
  const more = next !== undefined && next.taken < (compiled.top ?? Infinity);
  return {
    items,
    itemType: compiled.kind === 'twins' && compiled.columns === undefined ? 'Twin' : 'Raw',
    ...(more && { continuation: writeContinuation(query, next) }),
  };
}

interface Page {
  readonly items: JsonObject[];
  /** Absent if nothing follows. */
  readonly next?: Continuation;
}

function twinPage(hub: QueryableHub, query: TwinQuery, from: Continuation, size: number): Page {
  const after = query.parameters.length + 1;
  // Prepared anew: the store keeps its statements for ever, and there is no end to the texts of callers.
  const statement = hub.store.database.prepare(
    `SELECT * FROM devices WHERE device_id > ?${after} AND ${query.condition} ORDER BY device_id LIMIT ?${after + 1}`,
  );
  const items: JsonObject[] = [];
  let sizeBytes = 0;
  let afterDeviceId = from.afterDeviceId ?? '';
  for (const row of statement.iterate(...query.parameters, afterDeviceId, size + 1)) {
    const device = row as unknown as DeviceRow;
    if (items.length === size || sizeBytes > MAX_PAGE_BYTES) {
      return { items, next: { taken: from.taken + items.length, afterDeviceId } };
    }
    const twin = toTwin(device);
    items.push(query.columns === undefined ? twin : project(twin, query.columns));
    sizeBytes += twinSize(device);
    afterDeviceId = device.device_id;
  }
  return { items };
}

const twinSize = (row: DeviceRow): number =>
  row.tags.length +
  row.desired.length +
  row.desired_metadata.length +
  row.reported.length +
  row.reported_metadata.length;

/** The named values of a twin. What it does not have is left out. */
function project(twin: JsonObject, columns: readonly TwinColumn[]): JsonObject {
  return Object.fromEntries(
    columns.flatMap(({ name, segments }) => {
      const value = valueAt(twin, segments);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function valueAt(twin: JsonObject, segments: readonly string[]): JsonValue | undefined {
  let value: JsonValue | undefined = twin;
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

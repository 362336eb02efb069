import type { AuthScope, AuthType } from '../access/device-identity.js';
import { identityOfRow } from '../identity.js';
import type { Store } from '../../storage/store.js';
import type { MessageSystemProperties } from './device-message.js';
import { enrichedProperties, type StampedProperty } from './enriched-properties.js';
import { nextEventNumber } from './event-numbers.js';
import type { HubMessage, LoggedMessage } from './hub-message.js';
import type { MessageSource } from './message-source.js';
import { partitionOf } from './partition.js';

const INSERT = `INSERT INTO messages
  (partition_id, enqueued_ms, device_id, generation_id, auth_scope, system_properties, properties, body, source,
   endpoints, module_id, auth_type, enrichments, events_sequence)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

/** The columns that {@link messageOfRow} reads. */
export const LOGGED_COLUMNS = `enqueued_ms, device_id, module_id, generation_id, auth_scope, auth_type, system_properties,
  properties, enrichments, body, source`;

/** The built-in endpoint in a set of endpoints. */
export const BUILT_IN = 1;

/** What appending needs of the hub. */
interface Log {
  readonly store: Store;
  readonly routing: {
    route(message: HubMessage): { readonly endpoints: number; readonly stamped: readonly StampedProperty[] };
    appended(endpoints: number): void;
  };
  readonly events: {
    readonly partitionCount: number;
    appended(partitionId: number): void;
  };
}

/**
 * Appends a message to the log, for the endpoints that its routes lead to. One that leads nowhere is not kept.
 * For use within a write: endpoints hear of it once that is committed.
 */
export function appendToLog({ store, routing, events }: Log, message: HubMessage): void {
  const { endpoints, stamped } = routing.route(message);
  if (endpoints === 0) return;
  const partitionId = partitionOf(message.deviceId, events.partitionCount);
  const isEvent = (endpoints & BUILT_IN) !== 0;
  store
    .sql(INSERT)
    .run(
      partitionId,
      message.enqueuedMs,
      message.deviceId,
      message.generationId,
      message.authScope,
      JSON.stringify(message.systemProperties),
      JSON.stringify(message.properties),
      message.body,
      message.source,
      endpoints,
      message.moduleId ?? '',
      message.authType,
      stamped.length === 0 ? null : JSON.stringify(stamped),
      isEvent ? nextEventNumber(store, partitionId) : null,
    );
  routing.appended(endpoints);
  if (isEvent) events.appended(partitionId);
}

/** The place of the log's last message, deleted ones included; 0 before the first. */
export function lastSequenceNumber(store: Store): number {
  const row = store.sql(`SELECT seq FROM sqlite_sequence WHERE name = 'messages'`).get() as { seq: number } | undefined;
  return row?.seq ?? 0;
}

/** The next messages of an endpoint after a place in the log, in order. @param bit the endpoint's bit as a number. */
export function readLog(
  store: Store,
  { bit, after, limit }: { bit: number; after: number; limit: number },
): LoggedMessage[] {
  const rows = store
    .sql(
      `SELECT sequence_number, ${LOGGED_COLUMNS}
       FROM messages WHERE sequence_number > ? AND endpoints & ? ORDER BY sequence_number LIMIT ?`,
    )
    .all(after, bit, limit) as unknown as LogRow[];
  return rows.map((row) => ({ sequenceNumber: row.sequence_number, ...messageOfRow(row, bit) }));
}

/** The message that a row of the log holds, as the endpoint of this bit gets it. */
export const messageOfRow = (row: LogRow, bit: number): HubMessage => ({
  enqueuedMs: row.enqueued_ms,
  ...identityOfRow(row),
  generationId: row.generation_id,
  authScope: row.auth_scope,
  authType: row.auth_type,
  systemProperties: JSON.parse(row.system_properties) as MessageSystemProperties,
  properties: enrichedProperties(row.properties, row.enrichments, bit),
  body: row.body,
  source: row.source,
});

/** How many messages of an endpoint come after a place in the log. */
export function countLog(store: Store, { bit, after }: { bit: number; after: number }): number {
  const { count } = store
    .sql('SELECT count(*) AS count FROM messages WHERE sequence_number > ? AND endpoints & ?')
    .get(after, bit) as { count: number };
  return count;
}

/** A row of the log: its place, and {@link LOGGED_COLUMNS}. */
export interface LogRow {
  sequence_number: number;
  enqueued_ms: number;
  device_id: string;
  module_id: string;
  generation_id: string;
  auth_scope: AuthScope | '';
  auth_type: AuthType;
  system_properties: string;
  properties: string;
  enrichments: string | null;
  body: Uint8Array;
  source: MessageSource;
}

import type { Store } from '../../storage/store.js';
import { enriched } from './enriched-properties.js';
import type { LoggedMessage } from './hub-message.js';
import { endpointsOf, type LoggedRoutedMessage, type LoggedRun, unpackRun } from './message-run.js';

/** Where an endpoint's messages are looked for. */
export interface LogStretch {
  /** The endpoint's bit as a number. */
  readonly bit: number;
  /** The place in the log before the first one. */
  readonly after: number;
  /** The place of the last one that may be read. Default: the log's end. */
  readonly through?: number;
}

/** The next messages of an endpoint after a place in the log, in order. */
export function readLog(store: Store, { limit, ...stretch }: LogStretch & { readonly limit: number }): LoggedMessage[] {
  const messages: LoggedMessage[] = [];
  for (const { offset, message, stamped } of messagesAfter(store, stretch)) {
    messages.push({ sequenceNumber: offset, ...enriched(message, stamped, stretch.bit) });
    if (messages.length === limit) break;
  }
  return messages;
}

/** A run that lies in a stretch as a whole, and whose messages are all the endpoint's. */
const COUNTS_WHOLE = 'last_sequence - messages >= :after AND last_sequence <= :through AND shared_endpoints & :bit';

/** How many messages of an endpoint come after a place in the log. Of most runs nothing has to be read for that. */
export function countLog(store: Store, { bit, after, through = Number.MAX_SAFE_INTEGER }: LogStretch): number {
  const stretch = { bit, after, through };
  const whole = store
    .sql(
      `SELECT COALESCE(SUM(messages), 0) AS count FROM message_runs
       WHERE last_sequence > :after AND ${COUNTS_WHOLE}`,
    )
    .get(stretch) as { count: number };
  const mixed = store
    .sql(
      `SELECT last_sequence, messages, stretches FROM message_runs
       WHERE last_sequence > :after AND last_sequence - messages < :through AND endpoints & :bit AND NOT (${COUNTS_WHOLE})`,
    )
    .iterate(stretch) as unknown as Iterable<Omit<LoggedRun, 'bodies'>>;
  let { count } = whole;
  for (const { last_sequence, messages, stretches } of mixed) {
    let offset = last_sequence - messages;
    for (const endpoints of endpointsOf(stretches)) {
      offset += 1;
      if (offset > after && offset <= through && (endpoints & bit) !== 0) count += 1;
    }
  }
  return count;
}

function* messagesAfter(store: Store, { bit, after, through = Infinity }: LogStretch): Generator<LoggedRoutedMessage> {
  const runs = store
    .sql(
      `SELECT last_sequence, messages, stretches, bodies FROM message_runs
       WHERE last_sequence > ? AND endpoints & ? ORDER BY last_sequence`,
    )
    .iterate(after, bit) as unknown as Iterable<LoggedRun>;
  for (const run of runs) {
    for (const logged of unpackRun(run)) {
      if (logged.offset > through) return;
      if (logged.offset > after && (logged.endpoints & bit) !== 0) yield logged;
    }
  }
}

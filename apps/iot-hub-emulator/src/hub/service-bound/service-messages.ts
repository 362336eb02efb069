import { HubError } from '../errors/hub-errors.js';
import type { Hub } from '../hub.js';
import type { JsonObject, JsonValue } from '../json.js';
import type { MessageLocks } from '../queues/message-locks.js';
import type { ServiceQueue } from '../queues/message-queues.js';

/** Records of feedback that travel together. @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-messages-c2d#message-feedback */
const MAX_BATCH_RECORDS = 64;
const CONTENT_TYPES: Readonly<Record<ServiceQueue, string>> = {
  feedback: 'application/vnd.microsoft.iothub.feedback.json',
  fileNotifications: 'application/vnd.microsoft.iothub.filenotification.json',
};

/** What the hub tells services, handed to one receiver alone. */
export interface ServiceMessage {
  /** Proves the lock; to complete, abandon or release it. */
  readonly lockToken: string;
  /** Rising within a queue, never given twice. */
  readonly sequenceNumber: number;
  /** Milliseconds since 1970. */
  readonly enqueuedMs: number;
  /** How often it has been abandoned. */
  readonly deliveryCount: number;
  readonly contentType: string;
  /** The hub's name. */
  readonly userId: string;
  /** Feedback: an array of records. File notification: one object. */
  readonly body: JsonValue;
}

/** Adds to a queue. For use within a write: receivers hear of it once that is committed. */
export function enqueueServiceMessage(
  hub: Hub,
  queue: ServiceQueue,
  { deviceId, record }: { readonly deviceId: string; readonly record: JsonObject },
): void {
  const { store, queues, clock } = hub;
  const nowMs = clock.nowMs();
  const expiresMs = nowMs + queues.settings[queue].ttlMs;
  const { sequence_number } = store
    .sql(
      `INSERT INTO service_messages (queue, device_id, enqueued_ms, expires_ms, record) VALUES (?, ?, ?, ?, ?)
       RETURNING sequence_number`,
    )
    .get(queue, deviceId, nowMs, expiresMs, JSON.stringify(record)) as { sequence_number: number };
  const locks = queues.serviceLocks[queue];
  locks.hide(sequence_number);
  store.afterTransaction((committed) => {
    locks.show([sequence_number]);
    if (!committed) return;
    queues.sweepBy(expiresMs);
    queues.wakeServices(queue);
  });
}

/**
 * Hands out the oldest message of a queue that nobody holds: of feedback, up to 64 records at once. Nobody else gets it
 * until it is settled or, by default after 60 seconds, its lock lapses. With `held` the lock lasts until it is settled:
 * for a live link, which gives back all it holds when it ends. A restart of the hub ends all locks.
 *
 * @returns undefined when there is none. {@link watchServiceQueue} tells of later ones.
 */
export function receiveServiceMessage(
  hub: Hub,
  queue: ServiceQueue,
  { held = false }: { readonly held?: boolean } = {},
): ServiceMessage | undefined {
  const { store, queues, clock, name } = hub;
  const nowMs = clock.nowMs();
  const locks = queues.serviceLocks[queue];
  locks.lapse(nowMs);
  const rows: ServiceMessageRow[] = [];
  const all = store
    .sql(
      `SELECT * FROM service_messages WHERE queue = ? AND sequence_number >= ? AND expires_ms > ?
       ORDER BY sequence_number`,
    )
    .iterate(queue, locks.shownFrom, nowMs) as unknown as Iterable<ServiceMessageRow>;
  for (const row of all) {
    if (!locks.isHidden(row.sequence_number)) rows.push(row);
    locks.passed(row.sequence_number);
    if (rows.length === (queue === 'feedback' ? MAX_BATCH_RECORDS : 1)) break;
  }
  const [first] = rows;
  if (first === undefined) return undefined;
  const untilMs = held ? Infinity : nowMs + queues.settings[queue].lockMs;
  queues.sweepBy(untilMs);
  const records = rows.map(({ record }) => JSON.parse(record) as JsonObject);
  return {
    lockToken: locks.lock(
      queue,
      rows.map((row) => row.sequence_number),
      untilMs,
    ),
    sequenceNumber: first.sequence_number,
    enqueuedMs: first.enqueued_ms,
    deliveryCount: Math.max(...rows.map((row) => row.delivery_count)),
    contentType: CONTENT_TYPES[queue],
    userId: name,
    body: queue === 'feedback' ? records : (records[0] ?? null),
  };
}

/** Calls `wake` whenever the queue may have messages to give, until the returned function is called. */
export const watchServiceQueue = (hub: Hub, queue: ServiceQueue, wake: () => void): (() => void) =>
  hub.queues.watch(queue, wake);

/**
 * Ends a message: its receiver has dealt with it, or does not want it.
 *
 * @returns once that is on disk.
 * @throws {@link HubError} `DeviceMessageLockLost` when the lock has lapsed.
 */
export function completeServiceMessage(hub: Hub, queue: ServiceQueue, lockToken: string): Promise<void> {
  return settle(hub, queue, lockToken, {
    change(sequenceNumber) {
      hub.store.sql('DELETE FROM service_messages WHERE sequence_number = ?').run(sequenceNumber);
    },
    changed: (locks, numbers) => {
      locks.forget(numbers);
    },
  });
}

/** Puts a message back, raising its delivery count; at the queue's maximum it is dropped. As {@link completeServiceMessage} otherwise. */
export function abandonServiceMessage(hub: Hub, queue: ServiceQueue, lockToken: string): Promise<void> {
  const { maxDeliveryCount } = hub.queues.settings[queue];
  return settle(hub, queue, lockToken, {
    change(sequenceNumber) {
      hub.store
        .sql('UPDATE service_messages SET delivery_count = delivery_count + 1 WHERE sequence_number = ?')
        .run(sequenceNumber);
      hub.store
        .sql('DELETE FROM service_messages WHERE sequence_number = ? AND delivery_count >= ?')
        .run(sequenceNumber, maxDeliveryCount);
    },
    changed: (locks, numbers) => {
      locks.show(numbers);
    },
  });
}

/**
 * Puts messages back as they were: their receiver has gone. All that it holds in one call, since others may get them at
 * once, in order. Unknown tokens are ignored.
 */
export function releaseServiceMessages(hub: Hub, queue: ServiceQueue, lockTokens: readonly string[]): void {
  const locks = hub.queues.serviceLocks[queue];
  const nowMs = hub.clock.nowMs();
  for (const lockToken of lockTokens) locks.show(locks.take(queue, lockToken, nowMs) ?? []);
  hub.queues.wakeServices(queue);
}

/** Drops what nobody has fetched in time; a great deal in several goes. For use within a write. */
export function expireServiceMessages({ store }: Hub, nowMs: number): void {
  store
    .sql(
      `DELETE FROM service_messages WHERE sequence_number IN
         (SELECT sequence_number FROM service_messages WHERE expires_ms <= ? LIMIT 2000)`,
    )
    .run(nowMs);
}

/** When the next message expires; `Infinity` when there is none. */
export function nextServiceExpiryMs({ store }: Hub): number {
  const row = store.sql('SELECT MIN(expires_ms) AS next FROM service_messages').get() as { next: number | null };
  return row.next ?? Infinity;
}

interface Settling {
  /** Of each message, within a write. */
  readonly change: (sequenceNumber: number) => void;
  /** Once that is committed. */
  readonly changed: (locks: MessageLocks, numbers: readonly number[]) => void;
}

async function settle(hub: Hub, queue: ServiceQueue, lockToken: string, { change, changed }: Settling): Promise<void> {
  const locks = hub.queues.serviceLocks[queue];
  const numbers = locks.take(queue, lockToken, hub.clock.nowMs());
  if (numbers === undefined) {
    throw new HubError('DeviceMessageLockLost', 'The lock of the message has lapsed, or the message is gone.');
  }
  try {
    await hub.store.write(() => {
      for (const number of numbers) change(number);
    });
    changed(locks, numbers);
  } catch (cause) {
    locks.show(numbers);
    throw cause;
  } finally {
    hub.queues.wakeServices(queue);
  }
}

interface ServiceMessageRow {
  sequence_number: number;
  enqueued_ms: number;
  delivery_count: number;
  record: string;
}

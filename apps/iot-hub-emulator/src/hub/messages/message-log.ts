import type { PendingRows } from '../../storage/pending-rows.js';
import type { Store } from '../../storage/store.js';
import type { HubMessage } from './hub-message.js';
import { BUILT_IN, cutIntoRuns, type LastEnqueued, packRun, type RoutedMessage } from './message-run.js';
import { partitionOf } from './partition.js';

const INSERT = `INSERT INTO message_runs
  (last_sequence, messages, partition_id, last_event, last_enqueued_ms, endpoints, shared_endpoints, stretches, bodies)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`;

const LAST_SEQUENCE = `SELECT seq AS last FROM sqlite_sequence WHERE name = 'message_runs'`;

const LAST_EVENT = `SELECT COALESCE(
  (SELECT MAX(last_event) FROM message_runs WHERE partition_id = ?1 AND last_event IS NOT NULL),
  (SELECT last_deleted FROM event_partitions WHERE partition_id = ?1)) AS last`;

/** What a commit has brought into the log. */
export interface DurableMessages {
  /** The last event of each partition that got any. */
  readonly lastEvents: ReadonlyMap<number, LastEnqueued>;
  /** How many messages there are for a set of endpoints, by the set. */
  readonly counts: ReadonlyMap<number, number>;
}

/** The numbers given last. */
interface Numbers {
  sequence: number;
  /** By partition. */
  readonly events: number[];
}

/**
 * Takes messages in, and numbers them: all by their place in the log, and those of the built-in endpoint within their
 * partition too, there without gaps. What one turn of the event loop brings is written together, in runs.
 */
export class MessageLog {
  private readonly pending: PendingRows<RoutedMessage>;
  private readonly listeners: ((committed: DurableMessages) => void)[] = [];
  private numbers: Numbers | undefined;
  private onDisk: number;

  constructor(
    private readonly store: Store,
    readonly partitionCount: number,
  ) {
    this.pending = store.gather((messages) => {
      this.insert(messages);
    });
    this.onDisk = this.known().sequence;
  }

  /** Appends a message. For use within a write. */
  append(message: RoutedMessage): void {
    this.pending.add(message);
  }

  /** Calls `listener` when messages have come that are on disk. */
  onDurable(listener: (committed: DurableMessages) => void): void {
    this.listeners.push(listener);
  }

  /** The place of the last message, deleted ones and those of the open transaction included; 0 before the first. */
  get lastSequenceNumber(): number {
    return this.known().sequence + this.pending.length;
  }

  /**
   * The place up to which the log is on disk. What is beyond must not get out of the hub: after a power cut its place would
   * be another message's.
   */
  get durableThrough(): number {
    return this.onDisk;
  }

  private known(): Numbers {
    this.numbers ??= {
      sequence: (this.store.sql(LAST_SEQUENCE).get() as { last: number } | undefined)?.last ?? 0,
      events: Array.from(
        { length: this.partitionCount },
        (_, partitionId) => (this.store.sql(LAST_EVENT).get(partitionId) as { last: number | null }).last ?? -1,
      ),
    };
    return this.numbers;
  }

  private insert(messages: readonly RoutedMessage[]): void {
    const brought = { lastEvents: new Map<number, LastEnqueued>(), counts: new Map<number, number>() };
    const last = this.known().sequence + messages.length;
    this.store.afterTransaction((isDurable) => {
      if (isDurable) {
        this.onDisk = last;
        for (const listener of this.listeners) listener(brought);
      } else this.numbers = undefined;
    });
    for (const [partitionId, ofPartition] of this.byPartition(messages)) {
      for (const run of cutIntoRuns(ofPartition)) this.insertRun(partitionId, run, brought);
    }
  }

  private byPartition(messages: readonly RoutedMessage[]): Map<number, RoutedMessage[]> {
    const partitions = new Map<number, RoutedMessage[]>();
    let ofDevice: RoutedMessage[] = [];
    let deviceId: string | undefined;
    for (const routed of messages) {
      // A device's messages come in a row.
      if (routed.message.deviceId !== deviceId) {
        ({ deviceId } = routed.message);
        const partitionId = partitionOf(deviceId, this.partitionCount);
        ofDevice = partitions.get(partitionId) ?? [];
        partitions.set(partitionId, ofDevice);
      }
      ofDevice.push(routed);
    }
    return partitions;
  }

  private insertRun(
    partitionId: number,
    run: readonly RoutedMessage[],
    { lastEvents, counts }: { lastEvents: Map<number, LastEnqueued>; counts: Map<number, number> },
  ): void {
    const numbers = this.known();
    let lastEvent: { offset: number; message: HubMessage } | undefined;
    let eventNumber = numbers.events[partitionId] ?? -1;
    let union = 0;
    let shared = ~0;
    for (const { message, endpoints } of run) {
      numbers.sequence += 1;
      union |= endpoints;
      shared &= endpoints;
      counts.set(endpoints, (counts.get(endpoints) ?? 0) + 1);
      if ((endpoints & BUILT_IN) === 0) continue;
      eventNumber += 1;
      lastEvent = { offset: numbers.sequence, message };
    }
    numbers.events[partitionId] = eventNumber;
    if (lastEvent) {
      const { offset, message } = lastEvent;
      lastEvents.set(partitionId, { sequenceNumber: eventNumber, offset, enqueuedMs: message.enqueuedMs });
    }
    const { stretches, bodies } = packRun(run);
    const lastEnqueuedMs = run.at(-1)?.message.enqueuedMs ?? 0;
    this.store
      .sql(INSERT)
      .run(
        numbers.sequence,
        run.length,
        partitionId,
        lastEvent ? eventNumber : null,
        lastEnqueuedMs,
        union,
        shared,
        stretches,
        bodies,
      );
  }
}

/** What appending needs of the hub. */
interface Log {
  readonly log: MessageLog;
  readonly routing: { route(message: HubMessage): Omit<RoutedMessage, 'message'> };
}

/**
 * Appends a message to the log, for the endpoints that its routes lead to. One that leads nowhere is not kept.
 * For use within a write.
 */
export function appendToLog({ log, routing }: Log, message: HubMessage): void {
  const { endpoints, stamped } = routing.route(message);
  if (endpoints !== 0) log.append({ message, endpoints, stamped });
}

import type { Store } from '../../storage/store.js';
import type { MessageLog } from '../messages/message-log.js';
import type { LastEnqueued } from '../messages/message-run.js';
import type { ConsumerGroups } from './consumer-groups.js';
import { lastEnqueuedOf } from './partition-log.js';
import { ReaderOwnership } from './reader-ownership.js';

export interface BuiltInEndpointParts {
  readonly store: Store;
  readonly log: MessageLog;
  readonly consumerGroups: ConsumerGroups;
  readonly createdMs: number;
}

/**
 * The built-in endpoint, which services read as an event hub: its partitions as far as they are on disk, and who reads them.
 * What is not on disk does not exist for its readers.
 */
export class BuiltInEndpoint {
  readonly partitionCount: number;
  readonly consumerGroups: ConsumerGroups;
  /** When the database was made, in milliseconds since 1970. */
  readonly createdMs: number;
  readonly ownership = new ReaderOwnership();
  private readonly last: LastEnqueued[];
  private readonly waiting: Set<() => void>[];

  constructor({ store, log, consumerGroups, createdMs }: BuiltInEndpointParts) {
    this.partitionCount = log.partitionCount;
    this.consumerGroups = consumerGroups;
    this.createdMs = createdMs;
    const partitions = Array.from({ length: log.partitionCount }, (_, partitionId) => partitionId);
    this.last = partitions.map((partitionId) => lastEnqueuedOf(store, partitionId));
    this.waiting = partitions.map(() => new Set<() => void>());
    log.onDurable(({ lastEvents }) => {
      for (const [partitionId, last] of lastEvents) {
        this.last[partitionId] = last;
        for (const task of this.waiting[partitionId] ?? []) task();
      }
    });
  }

  /** The newest event of a partition that is on disk. */
  lastEnqueued(partitionId: number): LastEnqueued {
    const last = this.last[partitionId];
    if (last === undefined) throw new RangeError(`There is no partition ${partitionId}.`);
    return last;
  }

  /** Calls `task` after each commit that brings events to a partition, until the returned function is called. */
  onEvents(partitionId: number, task: () => void): () => void {
    const tasks = this.waiting[partitionId];
    tasks?.add(task);
    return () => {
      tasks?.delete(task);
    };
  }
}

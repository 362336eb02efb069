import type { Store } from '../../storage/store.js';
import type { ConsumerGroups } from './consumer-groups.js';
import type { LastEnqueued } from './partition-event.js';
import { lastEnqueuedOf } from './partition-log.js';
import { ReaderOwnership } from './reader-ownership.js';

export interface BuiltInEndpointParts {
  readonly partitionCount: number;
  readonly consumerGroups: ConsumerGroups;
  readonly createdMs: number;
}

/**
 * The built-in endpoint, which services read as an event hub: its partitions up to the last commit, and who reads them.
 * What is not committed does not exist for its readers.
 */
export class BuiltInEndpoint {
  readonly partitionCount: number;
  readonly consumerGroups: ConsumerGroups;
  /** When the database was made, in milliseconds since 1970. */
  readonly createdMs: number;
  readonly ownership = new ReaderOwnership();
  private readonly last: LastEnqueued[];
  private readonly waiting: Set<() => void>[];
  /** Partitions that the open transaction appends to. */
  private readonly appending = new Set<number>();

  constructor(
    private readonly store: Store,
    { partitionCount, consumerGroups, createdMs }: BuiltInEndpointParts,
  ) {
    this.partitionCount = partitionCount;
    this.consumerGroups = consumerGroups;
    this.createdMs = createdMs;
    const partitions = Array.from({ length: partitionCount }, (_, partitionId) => partitionId);
    this.last = partitions.map((partitionId) => lastEnqueuedOf(store, partitionId));
    this.waiting = partitions.map(() => new Set<() => void>());
  }

  /** Tells of an event appended within the open transaction. */
  appended(partitionId: number): void {
    if (this.appending.size === 0) {
      this.store.afterTransaction((committed) => {
        const partitions = [...this.appending];
        this.appending.clear();
        if (committed) for (const appended of partitions) this.committed(appended);
      });
    }
    this.appending.add(partitionId);
  }

  /** The newest committed event of a partition. */
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

  private committed(partitionId: number): void {
    this.last[partitionId] = lastEnqueuedOf(this.store, partitionId);
    for (const task of this.waiting[partitionId] ?? []) task();
  }
}

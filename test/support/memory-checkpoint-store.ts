import { randomUUID } from 'node:crypto';
import type { Checkpoint, CheckpointStore, PartitionOwnership } from '@azure/event-hubs';

/** A checkpoint store that several processors of one test share. */
export function memoryCheckpointStore(): CheckpointStore {
  const ownerships = new Map<string, PartitionOwnership>();
  const checkpoints = new Map<string, Checkpoint>();
  const keyOf = ({ consumerGroup, partitionId }: { consumerGroup: string; partitionId: string }) =>
    `${consumerGroup} ${partitionId}`;
  return {
    // Copies: the SDK writes into what it is given before it claims that.
    listOwnership: () => Promise.resolve(Array.from(ownerships.values(), (ownership) => ({ ...ownership }))),
    claimOwnership(wanted) {
      const claimed = wanted
        .filter((ownership) => ownerships.get(keyOf(ownership))?.etag === ownership.etag)
        .map((ownership) => ({ ...ownership, etag: randomUUID(), lastModifiedTimeInMs: Date.now() }));
      for (const ownership of claimed) ownerships.set(keyOf(ownership), ownership);
      return Promise.resolve(claimed);
    },
    updateCheckpoint(checkpoint) {
      checkpoints.set(keyOf(checkpoint), checkpoint);
      return Promise.resolve();
    },
    listCheckpoints: (_namespace, _name, group) =>
      Promise.resolve([...checkpoints.values()].filter(({ consumerGroup }) => consumerGroup === group)),
  };
}

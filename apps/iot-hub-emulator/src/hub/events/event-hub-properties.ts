import { HubError } from '../errors/hub-errors.js';
import type { Hub } from '../hub.js';
import type { LastEnqueued } from '../messages/message-run.js';
import { firstKeptOf } from './partition-log.js';

/** What Event Hubs clients call runtime information. */
export interface EventHubProperties {
  readonly name: string;
  readonly partitionIds: readonly string[];
}

export interface PartitionProperties {
  readonly partitionId: string;
  /** Of the oldest event kept; without any, the number that the next event gets. */
  readonly beginSequenceNumber: number;
  /** The newest event, kept or not. */
  readonly lastEnqueued: LastEnqueued;
  /** Whether no event is kept. */
  readonly isEmpty: boolean;
}

/** The built-in endpoint as an event hub, under the hub's own name. */
export function getEventHubProperties(hub: Hub): EventHubProperties {
  return {
    name: hub.name,
    partitionIds: Array.from({ length: hub.events.partitionCount }, (_, partitionId) => String(partitionId)),
  };
}

/** What a partition holds. @throws as {@link partitionNumber}. */
export function getPartitionProperties(hub: Hub, partitionId: string): PartitionProperties {
  const partition = partitionNumber(hub, partitionId);
  const lastEnqueued = hub.events.lastEnqueued(partition);
  const first = firstKeptOf(hub.store, partition);
  const isEmpty = first === undefined || first > lastEnqueued.sequenceNumber;
  return {
    partitionId,
    beginSequenceNumber: isEmpty ? lastEnqueued.sequenceNumber + 1 : first,
    lastEnqueued,
    isEmpty,
  };
}

/** The number of a partition. @throws {@link HubError} `ArgumentOutOfRange`, as Event Hubs refuses one that there is not. */
export function partitionNumber(hub: Hub, partitionId: string): number {
  const { partitionIds } = getEventHubProperties(hub);
  const partition = partitionIds.indexOf(partitionId);
  if (partition >= 0) return partition;
  throw new HubError(
    'ArgumentOutOfRange',
    `The specified partition is invalid for an EventHub partition sender or receiver. It should be between 0 and ${partitionIds.length - 1}, not '${partitionId}'.`,
  );
}

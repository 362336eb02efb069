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

/** What a partition holds. @throws {@link HubError} `MessagingEntityNotFound`. */
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

/** The number of a partition that there is. @throws {@link HubError} `MessagingEntityNotFound`. */
export function partitionNumber(hub: Hub, partitionId: string): number {
  const partition = /^\d{1,2}$/.test(partitionId) ? Number(partitionId) : Number.NaN;
  if (partition < hub.events.partitionCount) return partition;
  throw new HubError(
    'MessagingEntityNotFound',
    `The messaging entity '${partitionId}' could not be found: it is no partition of this hub, which has 0 to ${hub.events.partitionCount - 1}.`,
  );
}

import { types } from 'rhea';
import { HubError } from '../../hub/errors/hub-errors.js';
import { getEventHubProperties, getPartitionProperties } from '../../hub/events/event-hub-properties.js';
import type { Hub } from '../../hub/hub.js';
import { textOf, type AmqpMessage } from './amqp-message.js';

const EVENT_HUB = 'com.microsoft:eventhub';
const PARTITION = 'com.microsoft:partition';

/** Type code of a string of up to 4 GiB, for elements of an array. */
const STRING_CODE = 0xb1;

/**
 * What the hub answers to a request for runtime information.
 *
 * @returns the body of the reply.
 * @throws {@link HubError} for what there is not, or is not asked so.
 */
export function answerManagementRequest(hub: Hub, message: AmqpMessage): object {
  const { operation, name, type, partition } = message.application_properties ?? {};
  if (textOf(operation)?.toUpperCase() !== 'READ') {
    throw new HubError('NotImplemented', `The operation ${textOf(operation) ?? '(none)'} is not implemented: READ is.`);
  }
  requireEventHubName(hub, textOf(name) ?? '');
  switch (textOf(type)) {
    case EVENT_HUB:
      return eventHubBody(hub);
    case PARTITION:
      return partitionBody(hub, textOf(partition) ?? '');
    default:
      throw new HubError(
        'ArgumentInvalid',
        `There is nothing of type ${textOf(type) ?? '(none)'} to read: ${EVENT_HUB} and ${PARTITION} there are.`,
      );
  }
}

/** @throws {@link HubError} `MessagingEntityNotFound` unless the name is that of the hub's built-in endpoint. */
export function requireEventHubName(hub: Hub, name: string): void {
  if (name.toLowerCase() === hub.name.toLowerCase()) return;
  throw new HubError(
    'MessagingEntityNotFound',
    `The messaging entity '${name}' could not be found: the event hub of this hub is '${hub.name}'.`,
  );
}

function eventHubBody(hub: Hub): object {
  const { name, partitionIds } = getEventHubProperties(hub);
  return {
    name,
    type: EVENT_HUB,
    created_at: types.wrap_timestamp(hub.events.createdMs),
    partition_count: types.wrap_int(partitionIds.length),
    // An array: clients do not read a list here.
    partition_ids: types.wrap_array([...partitionIds], STRING_CODE, undefined),
    georeplication_factor: types.wrap_int(1),
  };
}

function partitionBody(hub: Hub, partitionId: string): object {
  const { beginSequenceNumber, lastEnqueued, isEmpty } = getPartitionProperties(hub, partitionId);
  return {
    name: hub.name,
    type: PARTITION,
    partition: partitionId,
    begin_sequence_number: types.wrap_long(beginSequenceNumber),
    last_enqueued_sequence_number: types.wrap_long(lastEnqueued.sequenceNumber),
    last_enqueued_offset: String(lastEnqueued.offset),
    last_enqueued_time_utc: types.wrap_timestamp(lastEnqueued.enqueuedMs),
    is_partition_empty: isEmpty,
    partition_owner_level: undefined,
  };
}

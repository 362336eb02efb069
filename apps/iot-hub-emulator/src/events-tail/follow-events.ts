import {
  EventHubConsumerClient,
  type EventPosition,
  type ReceivedEventData,
  type Subscription,
} from '@azure/event-hubs';
import { EmulatorOptionError } from '../emulator-options.js';
import { toTailedEvent, type TailedEvent } from './tailed-event.js';

/** How long the first answer may take. */
const FIRST_ANSWER_MS = 5000;
/** Events come as they are: nothing is gained by waiting for a batch to fill. */
const LONGEST_WAIT_SECONDS = 30;

/** What ends following: trying again would not help. */
const LASTING = new Set([
  'UnauthorizedError',
  'MessagingEntityNotFoundError',
  'ReceiverDisconnectedError',
  'QuotaExceededError',
  'InvalidOperationError',
  'ArgumentError',
]);

export interface FollowInput {
  /** Event Hubs-compatible, with `EntityPath`. */
  readonly connectionString: string;
  readonly consumerGroup: string;
  readonly fromBeginning: boolean;
  readonly onEvent: (event: TailedEvent) => void;
  /** Called when following has come to an end by itself, with the reason. */
  readonly onEnd: (reason: Error) => void;
  /** Called with what stands in the way for now; following goes on. */
  readonly onTrouble: (message: string) => void;
}

/**
 * Follows all partitions of a built-in endpoint: from the moment this resolves nothing is left out.
 *
 * @returns a function that stops.
 * @throws {@link EmulatorOptionError} when the endpoint cannot be reached, or refuses.
 */
export async function followEvents(input: FollowInput): Promise<() => Promise<void>> {
  const connect = (retryOptions?: object): EventHubConsumerClient => {
    try {
      return new EventHubConsumerClient(input.consumerGroup, input.connectionString, {
        ...(retryOptions && { retryOptions }),
      });
    } catch (cause) {
      throw new EmulatorOptionError(
        `The connection string is not that of an event hub (${messageOf(cause)}): it begins with Endpoint=sb:// and names an EntityPath.`,
      );
    }
  };
  const startPosition = await startPositions(
    connect({ maxRetries: 0, timeoutInMs: FIRST_ANSWER_MS }),
    input.fromBeginning,
  );
  const client = connect();
  const subscription = subscribe(client, startPosition, input);
  return async () => {
    await subscription.close();
    await client.close();
  };
}

/** Where to begin in each partition, by what they hold now. */
async function startPositions(
  client: EventHubConsumerClient,
  fromBeginning: boolean,
): Promise<Record<string, EventPosition>> {
  try {
    const partitionIds = await client.getPartitionIds();
    const positions = partitionIds.map(async (partitionId): Promise<[string, EventPosition]> => {
      if (fromBeginning) return [partitionId, { offset: '-1' }];
      const { lastEnqueuedSequenceNumber } = await client.getPartitionProperties(partitionId);
      return [partitionId, { sequenceNumber: lastEnqueuedSequenceNumber }];
    });
    return Object.fromEntries(await Promise.all(positions));
  } catch (cause) {
    throw new EmulatorOptionError(explain(cause));
  } finally {
    await client.close().catch(() => undefined);
  }
}

function subscribe(
  client: EventHubConsumerClient,
  startPosition: Record<string, EventPosition>,
  { onEvent, onEnd, onTrouble }: FollowInput,
): Subscription {
  let trouble: string | undefined;
  return client.subscribe(
    {
      processEvents(events: ReceivedEventData[], { partitionId }) {
        if (events.length > 0) trouble = undefined;
        for (const event of events) onEvent(toTailedEvent(event, partitionId));
        return Promise.resolve();
      },
      processError(cause) {
        const explanation = explain(cause);
        if (LASTING.has(codeOf(cause) ?? '')) onEnd(new EmulatorOptionError(explanation));
        else if (explanation !== trouble) onTrouble((trouble = explanation));
        return Promise.resolve();
      },
    },
    { startPosition, skipParsingBodyAsJson: true, maxBatchSize: 100, maxWaitTimeInSeconds: LONGEST_WAIT_SECONDS },
  );
}

/** A sentence that says what can be done. */
function explain(cause: unknown): string {
  const message = messageOf(cause);
  if (/certificate|self[- ]signed/i.test(message)) {
    return `The hub's certificate is not trusted (${message}): set NODE_EXTRA_CA_CERTS to its authority's file.`;
  }
  if (/ECONNREFUSED|ENOTFOUND|ECONNRESET|timed? ?out/i.test(message))
    return `The hub does not answer (${message}). Is it running?`;
  if (codeOf(cause) === 'UnauthorizedError') return `The hub refuses the key of the connection string (${message}).`;
  return message;
}

const messageOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return String(cause);
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name;
  return cause.message === '' ? code : cause.message;
};

const codeOf = (cause: unknown): string | undefined => (cause as { code?: string } | undefined)?.code;

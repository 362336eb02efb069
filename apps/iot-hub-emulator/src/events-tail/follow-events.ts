import { setTimeout as delay } from 'node:timers/promises';
import {
  EventHubConsumerClient,
  type EventPosition,
  type ReceivedEventData,
  type Subscription,
} from '@azure/event-hubs';
import { EmulatorOptionError } from '../emulator-options.js';
import { toTailedEvent, type TailedEvent } from './tailed-event.js';

/** The SDK's own patience is minutes, in which it says nothing. */
const QUICK = { retryOptions: { maxRetries: 0, timeoutInMs: 5000 } };
const RETRY_MS = 1000;
/** Events come at once all the same; but only at the end of a wait does the SDK tell that its connection has broken. */
const LONGEST_WAIT_SECONDS = 2;

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
  const connect = (): EventHubConsumerClient => {
    try {
      return new EventHubConsumerClient(input.consumerGroup, input.connectionString, QUICK);
    } catch {
      // The SDK's own words may hold the key.
      throw new EmulatorOptionError(
        'The connection string is not that of an event hub, which is Endpoint=sb://…;SharedAccessKeyName=…;SharedAccessKey=…;EntityPath=…',
      );
    }
  };
  const positions = await startPositions(connect(), input.fromBeginning);
  const stop = new AbortController();
  const followed = followUntil(stop.signal, { ...input, connect, positions });
  return async () => {
    stop.abort();
    await followed;
  };
}

interface Following extends FollowInput {
  readonly connect: () => EventHubConsumerClient;
  /** Kept up with what has come. */
  readonly positions: Record<string, EventPosition>;
}

/** Follows with one client after the other: one whose connection broke does not always find back. */
async function followUntil(signal: AbortSignal, following: Following): Promise<void> {
  const isStopped = () => signal.aborted;
  let trouble: string | undefined;
  while (!isStopped()) {
    const client = following.connect();
    const broken = Promise.withResolvers<string | undefined>();
    const done = () => {
      broken.resolve(undefined);
    };
    signal.addEventListener('abort', done);
    let subscription: Subscription | undefined;
    try {
      // Asked at each beginning: a subscription would wait for minutes for a hub that is gone, and say nothing.
      await client.getPartitionIds();
      const onEvents = () => (trouble = undefined);
      subscription = subscribe(client, following, { onEvents, onBroken: broken.resolve });
    } catch (cause) {
      if (isLasting(cause)) following.onEnd(new EmulatorOptionError(explain(cause)));
      else broken.resolve(explain(cause));
    }
    const reason = await broken.promise;
    signal.removeEventListener('abort', done);
    if (reason !== undefined && reason !== trouble) following.onTrouble((trouble = reason));
    const closed = Promise.resolve(subscription?.close()).then(() => client.close());
    // On a broken connection that may take a minute.
    if (isStopped()) await closed.catch(() => undefined);
    else closed.catch(() => undefined);
    if (!isStopped()) await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
  }
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
  { positions, onEvent, onEnd }: Following,
  { onEvents, onBroken }: { onEvents: () => void; onBroken: (reason: string) => void },
): Subscription {
  return client.subscribe(
    {
      processEvents(events: ReceivedEventData[], { partitionId }) {
        for (const event of events) {
          onEvent(toTailedEvent(event, partitionId));
          positions[partitionId] = { sequenceNumber: event.sequenceNumber };
        }
        if (events.length > 0) onEvents();
        return Promise.resolve();
      },
      processError(cause) {
        const explanation = explain(cause);
        if (isLasting(cause)) onEnd(new EmulatorOptionError(explanation));
        else onBroken(explanation);
        return Promise.resolve();
      },
    },
    {
      startPosition: positions,
      skipParsingBodyAsJson: true,
      maxBatchSize: 100,
      maxWaitTimeInSeconds: LONGEST_WAIT_SECONDS,
    },
  );
}

/** A sentence that says what can be done. */
function explain(cause: unknown): string {
  const message = messageOf(cause);
  if (/certificate|self[- ]signed/i.test(message)) {
    return `The hub's certificate is not trusted (${message}): set NODE_EXTRA_CA_CERTS to its authority's file.`;
  }
  if (/ECONNREFUSED|ENOTFOUND|ECONNRESET|failed to connect|timed? ?out/i.test(message))
    return `The hub does not answer (${message}). Is it running?`;
  if (codeOf(cause) === 'UnauthorizedError')
    return `The hub refuses the key, or the EntityPath, of the connection string (${message}); its log says why.`;
  return message;
}

const messageOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return String(cause);
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name;
  return cause.message === '' ? code : cause.message;
};

const codeOf = (cause: unknown): string | undefined => (cause as { code?: string } | undefined)?.code;

const isLasting = (cause: unknown): boolean => LASTING.has(codeOf(cause) ?? '');

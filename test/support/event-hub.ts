import {
  EventHubConsumerClient,
  type CheckpointStore,
  type EventHubConsumerClientOptions,
  type EventPosition,
  type ProcessEventsHandler,
  type ReceivedEventData,
  type SubscribeOptions,
  type Subscription,
  type SubscriptionEventHandlers,
} from '@azure/event-hubs';
import { trustCertificateAuthority } from '../../libs/runtime/src/index.js';
import type { TestIotHub } from './iot-hub.js';
import { until } from './until.js';

/** What a subscription has brought so far. */
export interface Followed {
  readonly events: ReceivedEventData[];
  readonly errors: Error[];
  /** Partition ids, with each event. */
  readonly partitions: string[];
  readonly subscription: Subscription;
}

export interface FollowOptions extends SubscribeOptions {
  readonly partitionId?: string;
  /** Called after each batch. */
  readonly onBatch?: ProcessEventsHandler;
}

/** An event's body; the SDK gives bytes for what is no JSON. */
export const bodyText = ({ body }: { body: unknown }): string =>
  Buffer.isBuffer(body) ? body.toString() : JSON.stringify(body);

/** Reads a hub's built-in endpoint through the official Event Hubs SDK, and closes all that it opened at the end. */
export class EventHubReaders {
  private readonly clients: EventHubConsumerClient[] = [];
  private readonly subscriptions: Subscription[] = [];

  constructor(private readonly hub: TestIotHub) {
    trustCertificateAuthority(hub.emulator.tls.caFile);
  }

  client(
    options: EventHubConsumerClientOptions & {
      group?: string;
      connectionString?: string;
      store?: CheckpointStore;
    } = {},
  ): EventHubConsumerClient {
    const {
      group = '$Default',
      connectionString = this.hub.emulator.eventHubsConnectionString,
      store,
      ...rest
    } = options;
    const quick = { retryOptions: { maxRetries: 0, timeoutInMs: 5000 }, ...rest };
    const client =
      store === undefined
        ? new EventHubConsumerClient(group, connectionString, quick)
        : new EventHubConsumerClient(group, connectionString, store, quick);
    this.clients.push(client);
    return client;
  }

  /** Follows one partition, or all of them. */
  follow(client: EventHubConsumerClient, { partitionId, onBatch, ...options }: FollowOptions = {}): Followed {
    const events: ReceivedEventData[] = [];
    const errors: Error[] = [];
    const partitions: string[] = [];
    const handlers: SubscriptionEventHandlers = {
      async processEvents(batch, context) {
        events.push(...batch);
        partitions.push(...batch.map(() => context.partitionId));
        await onBatch?.(batch, context);
      },
      processError(cause) {
        errors.push(cause);
        return Promise.resolve();
      },
    };
    const subscribeOptions = { maxWaitTimeInSeconds: 1, ...options };
    const subscription =
      partitionId === undefined
        ? client.subscribe(handlers, subscribeOptions)
        : client.subscribe(partitionId, handlers, subscribeOptions);
    this.subscriptions.push(subscription);
    return { events, errors, partitions, subscription };
  }

  /** The first partition that has events. */
  async partitionInUse(): Promise<string> {
    const client = this.client();
    for (const partitionId of await client.getPartitionIds()) {
      if (!(await client.getPartitionProperties(partitionId)).isEmpty) return partitionId;
    }
    throw new Error('All partitions are empty.');
  }

  /** The first `count` bodies of a partition from a position on, as text. */
  async bodies(partitionId: string, startPosition: EventPosition, count: number): Promise<string[]> {
    const { events, errors, subscription } = this.follow(this.client(), { partitionId, startPosition });
    await until(() => events.length >= count || errors.length > 0, `${count} events of partition ${partitionId}`);
    await subscription.close();
    if (errors[0]) throw errors[0];
    return events.map(bodyText);
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.subscriptions.map((subscription) => subscription.close()));
    await Promise.allSettled(this.clients.map((client) => client.close()));
  }
}

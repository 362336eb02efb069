import type { Clock } from '../clock.js';
import { Deadline } from './deadline.js';
import { MessageLocks } from './message-locks.js';
import type { QueueSettings } from './queue-options.js';
import { readQueueSettings } from './queue-settings.js';

/** Queues of what the hub tells services. */
export type ServiceQueue = 'feedback' | 'fileNotifications';

/** What the hub knows of its queues beside their rows: who holds which message, who waits for more, what falls due. */
export class MessageQueues {
  readonly deviceLocks = new MessageLocks();
  readonly serviceLocks: Readonly<Record<ServiceQueue, MessageLocks>> = {
    feedback: new MessageLocks(),
    fileNotifications: new MessageLocks(),
  };
  private readonly deadline: Deadline;
  private readonly watchers: Readonly<Record<ServiceQueue, Set<() => void>>> = {
    feedback: new Set(),
    fileNotifications: new Set(),
  };
  private sweep: () => void = () => undefined;

  constructor(
    clock: Clock,
    readonly settings: QueueSettings = readQueueSettings(),
  ) {
    this.deadline = new Deadline(clock, () => {
      this.sweep();
    });
  }

  /** @param sweep sees to locks that have lapsed and messages that have expired. @returns a function that stops it. */
  keepSwept(sweep: () => void): () => void {
    this.sweep = sweep;
    this.deadline.by(-Infinity);
    return () => {
      this.deadline.stop();
    };
  }

  /** Sees to it that the queues are swept at this time at the latest. */
  sweepBy(timeMs: number): void {
    if (timeMs !== Infinity) this.deadline.by(timeMs);
  }

  /** Calls `wake` whenever the queue may have messages to give, until the returned function is called. */
  watch(queue: ServiceQueue, wake: () => void): () => void {
    this.watchers[queue].add(wake);
    return () => {
      this.watchers[queue].delete(wake);
    };
  }

  wakeServices(queue: ServiceQueue): void {
    for (const wake of [...this.watchers[queue]]) wake();
  }
}

import { randomUUID } from 'node:crypto';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { type DeviceMessageContract, MESSAGE_KIND_PROPERTY } from '#libs/contracts';
import { IotHubDevice } from '#libs/iot-hub/device';
import { Outbox, type OutboxMessage } from './outbox.js';

/** So many messages are on their way at once; their order holds, since one connection carries them. */
const WINDOW = 32;

/** How long to wait after the hub has not confirmed a message over a connection that still stands. */
const RETRY_MS = 5_000;

/** Sends messages to the cloud at least once and in order, whenever there is a connection. */
@Injectable()
export class MessageSender implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(MessageSender.name);
  private isDraining = false;
  private isClosed = false;
  private retry: NodeJS.Timeout | undefined;
  private reportedDrops = -1;

  constructor(
    private readonly device: IotHubDevice,
    private readonly outbox: Outbox,
  ) {}

  onApplicationBootstrap(): void {
    this.reportDrops();
    this.device.onStateChange(({ status }) => {
      if (status === 'connected') void this.drain();
    });
  }

  onModuleDestroy(): void {
    this.isClosed = true;
    clearTimeout(this.retry);
    this.outbox.close();
  }

  /** Keeps a message until the hub has it. A disk that does not take it is logged: no work fails for want of a report. */
  send<Kind extends string, Body extends object>({ kind }: DeviceMessageContract<Kind, Body>, body: Body): void {
    if (this.isClosed) return;
    try {
      const createdAt = new Date().toISOString();
      this.outbox.add({ messageId: randomUUID(), kind, createdAt, body: JSON.stringify(body) });
    } catch (error) {
      this.logger.error(`A message (${kind}) is lost, since the outbox does not take it: ${String(error)}`);
    }
    this.reportDrops();
    void this.drain();
  }

  /** Sends what waits; ends when nothing is left, the connection is gone, or the hub leaves messages unconfirmed. */
  private async drain(): Promise<void> {
    if (this.isDraining) return;
    this.isDraining = true;
    try {
      while (!this.isClosed && this.device.state.status === 'connected') {
        const messages = this.outbox.oldest(WINDOW);
        if (messages.length === 0) return;
        if (!(await this.sendAll(messages))) {
          this.retryLater();
          return;
        }
      }
    } catch (error) {
      this.logger.error(`The outbox cannot be read: ${String(error)}`);
      this.retryLater();
    } finally {
      // In the same turn as the decision to end, so that no message can come between the two and stay behind.
      this.isDraining = false;
    }
  }

  /** @returns whether the hub has confirmed all of them */
  private async sendAll(messages: readonly OutboxMessage[]): Promise<boolean> {
    const results = await Promise.allSettled(messages.map((message) => this.sendOne(message)));
    if (this.isClosed) return false;
    const confirmed = messages.filter((_, index) => results[index]?.status === 'fulfilled');
    this.outbox.remove(confirmed.map(({ messageId }) => messageId));
    const failure = results.find((result) => result.status === 'rejected');
    if (failure && this.device.state.status === 'connected') {
      this.logger.warn(`The hub did not confirm all messages; they are sent again. ${String(failure.reason)}`);
    }
    return !failure;
  }

  private sendOne({ messageId, kind, createdAt, body }: OutboxMessage): Promise<void> {
    return this.device.sendMessage({ messageId, body, createdAt, properties: { [MESSAGE_KIND_PROPERTY]: kind } });
  }

  /** A new connection sends by itself; this is for one that stays. */
  private retryLater(): void {
    clearTimeout(this.retry);
    if (!this.isClosed) this.retry = setTimeout(() => void this.drain(), RETRY_MS);
  }

  private reportDrops(): void {
    const { dropped } = this.outbox;
    if (dropped === this.reportedDrops) return;
    this.reportedDrops = dropped;
    void this.device.reportProperties({ messages_dropped: dropped });
  }
}

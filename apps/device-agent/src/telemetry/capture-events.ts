import { Injectable } from '@nestjs/common';
import { CaptureEvent, captureEvent, type CaptureReply } from '#libs/contracts';
import { MessageSender } from '../outbox/message-sender.js';
import { Clock } from './clock.js';

/** Counts the pictures that were taken and stored, and tells the cloud of each. */
@Injectable()
export class CaptureEvents {
  private count = 0;

  constructor(
    private readonly sender: MessageSender,
    private readonly clock: Clock,
  ) {}

  /** Since the agent's start. */
  get framesCaptured(): number {
    return this.count;
  }

  taken(reply: CaptureReply, source: Omit<CaptureEvent, keyof CaptureReply | 'captured_at'>): void {
    this.count += 1;
    const captured_at = this.clock.now().toISOString();
    this.sender.send(captureEvent, Object.assign(new CaptureEvent(), { captured_at }, source, reply));
  }
}

import type { LoggedMessage } from '../messages/hub-message.js';

/** What became of a batch. */
export interface DeliveryResult {
  /** How many of its messages, from the first on, are delivered. Less than all without a failure: ask again. */
  readonly taken: number;
  /** Why the message after those was not taken. */
  readonly failure?: {
    readonly reason: string;
    /** The target will never take this message. */
    readonly refused: boolean;
  };
}

/** Where a custom endpoint's messages go. */
export interface DeliveryTarget {
  /**
   * Resolves when the next messages are wanted: a target whose work would keep others waiting lets them go first.
   * Wanted at once when left out.
   *
   * @param signal aborts when the hub closes.
   */
  ready?(signal: AbortSignal): Promise<void>;
  /**
   * Delivers messages in order. Delivering one again does no harm.
   *
   * @param messages at least one.
   * @param signal aborts when the hub closes.
   */
  deliver(messages: readonly LoggedMessage[], signal: AbortSignal): Promise<DeliveryResult>;
  close(): void;
}

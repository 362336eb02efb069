import type { EventEmitter } from 'node:events';

/**
 * rhea's objects as far as we use them: its own declarations leave out what a server has to look at, and have `any` for most
 * of the rest.
 *
 * @see https://github.com/amqp/rhea
 */
export interface RheaConnection extends EventEmitter {
  readonly remote: { readonly open?: { readonly container_id?: unknown; readonly hostname?: unknown } };
  readonly local_channel_map: Readonly<Record<number, RheaSession>>;
  readonly remote_channel_map: Readonly<Record<number, RheaSession | undefined>>;
  /** Whether it writes at all. */
  socket_ready: boolean;
  accept(socket: unknown): void;
  close(error?: AmqpErrorFields): void;
  is_closed(): boolean;
  is_remote_open(): boolean;
  /** Has what is pending written with the next turn of the event loop. */
  _register(): void;
  /** Has it written now. */
  _process(): void;
}

/** A session of a {@link RheaConnection}. */
export interface RheaSession {
  end(error?: AmqpErrorFields): void;
  readonly links: Readonly<Record<string, RheaLink>>;
  readonly remote: { readonly handles: Readonly<Record<number, RheaLink | undefined>> };
  readonly outgoing: RheaSending;
  readonly incoming: RheaSettling;
}

/** The messages that a session sends. Transfers are counted from 0, messages too. */
export interface RheaSending {
  deliveries: object;
  /** For how many more messages there is room. */
  available(): number;
  readonly next_delivery_id: number;
  /** The first message that is not sent, or not wholly. */
  readonly next_pending_delivery: number;
  readonly next_transfer_id: number;
  /** What the client has said last of its window, and which transfer it expected then. */
  readonly remote_window: number | undefined;
  readonly remote_next_transfer_id: number | undefined;
  pending_dispositions: RheaSettled[];
  /** Sends what there is room for, tells the application of outcomes, and the client of those pending. */
  process(): void;
}

/** A message whose outcome is to be told. */
export interface RheaSettled {
  readonly settled: boolean;
  readonly state?: { readonly descriptor: { readonly value: unknown } };
}

/** The messages that a session has received. */
export interface RheaSettling {
  deliveries: object;
  updated: RheaSettled[];
  /** Tells it. */
  process(session: RheaSession): void;
}

/** The source or target of a link, or null as rhea has it: not always JavaScript's. */
export interface Terminus {
  readonly address?: unknown;
  readonly filter?: unknown;
}

/** Either end of a link: what the peer said in its attach is at the top, what we answer in `local`. */
export interface RheaLink {
  readonly name: string;
  readonly session: RheaSession;
  readonly connection: RheaConnection;
  readonly source: Terminus | null;
  readonly target: Terminus | null;
  readonly properties: unknown;
  readonly desired_capabilities: unknown;
  readonly snd_settle_mode: unknown;
  readonly rcv_settle_mode: unknown;
  readonly max_message_size: unknown;
  readonly remote: { handle: number | undefined };
  readonly local: {
    readonly attach: {
      max_message_size: number;
      snd_settle_mode: number;
      rcv_settle_mode: number;
      properties: Record<string, unknown>;
      offered_capabilities: string[];
    };
  };
  credit: number;
  delivery_count: number;
  /** The delivery of which more transfers are to come. */
  readonly _incomplete?: { readonly frames: Buffer[] };
  /** Set by our own guards: why the bytes of the message just read were not kept. */
  refusal?: 'too-large' | 'aborted' | undefined;
  set_source(fields: object): void;
  set_target(fields: object): void;
  add_credit(credit: number): void;
  send(message: object, tag?: Buffer, format?: number): RheaDelivery;
  set_drained(drained: boolean): void;
  close(error?: AmqpErrorFields): void;
  is_receiver(): boolean;
  is_open(): boolean;
  is_closed(): boolean;
}

/** What became of a message; also as rhea sends it. */
export interface RheaOutcome {
  described(): object;
}

/** rhea's makers of outcomes that we need, which its declarations leave out. */
export interface RheaOutcomes {
  rejected(fields: { readonly error: AmqpErrorFields }): RheaOutcome;
}

/** A message under way. */
export interface RheaDelivery {
  readonly id: number;
  /** The message's format; 0 is AMQP's own. */
  readonly format: number;
  remote_settled: boolean;
  settled: boolean;
  readonly remote_state?: RheaOutcome & { readonly delivery_failed?: unknown; readonly undeliverable_here?: unknown };
  accept(): void;
  release(): void;
  reject(error: AmqpErrorFields): void;
  /** @param state an outcome, as rhea describes it. */
  update(settled: boolean, state?: object): void;
}

/** An AMQP error: a condition such as `amqp:not-found`, and more for people and programs to read. */
export interface AmqpErrorFields {
  readonly condition: string;
  readonly description?: string;
  readonly info?: Readonly<Record<string, unknown>>;
}

/** What comes with rhea's events. */
export interface RheaContext {
  readonly message?: unknown;
  readonly delivery?: RheaDelivery;
  readonly receiver?: RheaLink;
  readonly sender?: RheaLink;
}

/** A frame as rhea's handlers of performatives get it. Fields are what the peer sent, of any type. */
export interface RheaFrame {
  readonly channel: number;
  readonly performative: Record<string, unknown> & { readonly value: unknown[] };
  payload?: Buffer;
}

import type { Duplex } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { create_container, type Connection, type EventContext, type Message, type Receiver, type Sender } from 'rhea';
import { streamPair } from './stream-pair.js';

/** An AMQP error as a client is told it. */
export interface ToldError {
  readonly condition: string;
  readonly description?: string;
  readonly info?: unknown;
}

interface ClientOptions {
  /** With both: SASL PLAIN. With the name alone: SASL ANONYMOUS. With neither no SASL at all, as azure-iothub does it. */
  readonly username?: string;
  readonly password?: string;
  /** More of rhea's options for a connection, for example `max_frame_size`. */
  readonly [option: string]: unknown;
}

/** An AMQP client on one end of a stream in memory, for tests of what is on the other. */
export class AmqpTestClient {
  readonly connection: Connection;
  /** The client's end of the stream. */
  readonly stream: Duplex;
  private readonly opening: Promise<void>;
  private readonly closing: Promise<ToldError | undefined>;

  constructor(accept: (stream: Duplex, peer: string) => void, options: ClientOptions = {}) {
    const [mine, theirs] = streamPair();
    // Lets rhea stop its timers.
    mine.once('close', () => mine.emit('end'));
    mine.once('end', () => mine.end());
    mine.on('error', () => undefined);
    this.stream = mine;
    accept(theirs, 'peer');
    const connect = (_port: number, _host: string, _options: unknown, connected: () => void) => {
      setImmediate(connected);
      return mine;
    };
    const details = { host: 'localhost', port: 5671, connect };
    this.connection = create_container().create_connection({
      hostname: 'localhost',
      reconnect: false,
      connection_details: () => details,
      ...options,
    } as unknown as Parameters<ReturnType<typeof create_container>['create_connection']>[0]);
    this.opening = new Promise((resolve, reject) => {
      this.connection.once('connection_open', () => {
        resolve();
      });
      mine.once('close', () => {
        reject(new Error('The connection is gone.'));
      });
      this.connection.once('connection_error', ({ error }: EventContext) => {
        reject(error ?? new Error('refused'));
      });
    });
    this.opening.catch(() => undefined);
    this.closing = new Promise((resolve) => {
      this.connection.once('connection_close', ({ connection }: EventContext) => {
        resolve(connection.error as ToldError | undefined);
      });
      mine.once('close', () => {
        resolve(undefined);
      });
    });
    for (const event of ['error', 'protocol_error', 'connection_error', 'connection_close', 'disconnected']) {
      this.connection.on(event, () => undefined);
    }
    for (const event of ['sender_error', 'sender_close', 'receiver_error', 'receiver_close', 'session_error']) {
      this.connection.on(event, () => undefined);
    }
    this.connection.connect();
  }

  /** @throws what the hub said, when it refused. */
  opened(): Promise<void> {
    return this.opening;
  }

  /** Waits for the end of the connection. @returns the error that the hub gave, if any. */
  closed(): Promise<ToldError | undefined> {
    return this.closing;
  }

  /** Attaches a link to send on. Rejects with a {@link ToldError} when it is refused. */
  async sender(address: string, options: object = {}): Promise<Sender> {
    const sender = this.connection.open_sender({ target: { address }, ...options });
    sender.setMaxListeners(0);
    await new Promise<void>((resolve, reject) => {
      sender.once('sendable', () => {
        resolve();
      });
      whenEnded(sender, 'sender', reject);
    });
    return sender;
  }

  /** Attaches a link to receive on; credit is for the test to give. Rejects with a {@link ToldError} when it is refused. */
  async receiver(address: string, options: object = {}): Promise<{ receiver: Receiver; contexts: EventContext[] }> {
    const contexts: EventContext[] = [];
    const receiver = this.connection.open_receiver({
      source: { address },
      credit_window: 0,
      autoaccept: false,
      ...options,
    });
    receiver.on('message', (context: EventContext) => contexts.push(context));
    await new Promise<void>((resolve, reject) => {
      whenEnded(receiver, 'receiver', reject);
      receiver.once('receiver_open', () => {
        // A refusal follows in the same turn.
        void nextTurn().then(() => {
          resolve();
        });
      });
    });
    return { receiver, contexts };
  }

  /** Sends a message and waits for its outcome. Rejects with a {@link ToldError} when it is rejected. */
  send(sender: Sender, message: Partial<Message>): Promise<void> {
    return new Promise((resolve, reject) => {
      const delivery = sender.send(message as Message);
      const settled = (context: EventContext, act: () => void) => {
        if (context.delivery === delivery) act();
      };
      sender.on('accepted', (context: EventContext) => {
        settled(context, resolve);
      });
      sender.on('rejected', (context: EventContext) => {
        settled(context, () => {
          reject(asError((context.delivery?.remote_state as { error: ToldError }).error));
        });
      });
      whenEnded(sender, 'sender', reject);
    });
  }

  /** Presents a token to `$cbs`. @returns the status code and the reply it came in. */
  async putToken(token: unknown, request: Partial<Message> = {}): Promise<{ status: unknown; reply: Message }> {
    // An unsettled delivery would keep a place in the session's window, and in time stop all links of the connection.
    const { receiver, contexts } = await this.receiver('$cbs', { target: { address: 'replies' }, autoaccept: true });
    const sender = await this.sender('$cbs');
    receiver.add_credit(1);
    const reply = new Promise<void>((resolve) => receiver.once('message', () => setImmediate(resolve)));
    await this.send(sender, {
      message_id: 'm1',
      reply_to: 'replies',
      application_properties: { operation: 'put-token', type: 'servicebus.windows.net:sastoken', name: 'audience' },
      body: token,
      ...request,
    });
    await reply;
    sender.close();
    receiver.close();
    const message = contexts[0]?.message;
    if (message === undefined) throw new Error('There is no reply.');
    return { status: (message.application_properties as Record<string, unknown>)['status-code'], reply: message };
  }
}

function whenEnded(link: Sender | Receiver, kind: 'sender' | 'receiver', reject: (error: Error) => void): void {
  link.once(`${kind}_close`, () => {
    reject(asError(link.error as ToldError | undefined));
  });
}

function asError(told: ToldError | undefined): Error {
  return Object.assign(new Error(told?.description ?? 'closed'), { condition: told?.condition, info: told?.info });
}

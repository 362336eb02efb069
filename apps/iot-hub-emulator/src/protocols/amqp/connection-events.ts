import type { AmqpMessage } from './amqp-message.js';
import type { AttachedLinks } from './attached-links.js';
import type { Outcome } from './outgoing-link.js';
import { WINDOW_OPENED } from './rhea/guard-performatives.js';
import type { RheaConnection, RheaContext } from './rhea/rhea-types.js';

/** Who is told of what a client does on its connection. */
export interface ConnectionListener {
  readonly links: AttachedLinks;
  /** The client has opened the connection. */
  readonly opened: () => void;
  /** Something threw within rhea, or in what it called: the connection cannot go on. */
  readonly broken: (cause: unknown) => void;
}

/** Hands rhea's events of a connection to what they are for. */
export function followConnection(connection: RheaConnection, { links, opened, broken }: ConnectionListener): void {
  const on = (event: string, listener: (context: RheaContext) => void) => {
    connection.on(event, (context: RheaContext) => {
      // What one of our handlers throws must not run through rhea, which would be left in the middle of its work.
      try {
        listener(context);
      } catch (cause) {
        broken(cause);
      }
    });
  };
  on('connection_open', opened);
  on('receiver_open', ({ receiver }) => {
    if (receiver) links.open(receiver);
  });
  on('sender_open', ({ sender }) => {
    if (sender) links.open(sender);
  });
  on('message', ({ receiver, message, delivery }) => {
    if (receiver && delivery) links.receive(receiver, message as AmqpMessage | Buffer, delivery);
  });
  for (const event of ['sender_flow', 'sendable']) on(event, ({ sender }) => links.outgoing(sender)?.wake());
  on(WINDOW_OPENED, () => {
    links.wake();
  });
  on('sender_draining', ({ sender }) => links.outgoing(sender)?.drain());
  for (const outcome of ['accepted', 'rejected', 'released', 'modified'] satisfies Outcome[]) {
    on(outcome, ({ sender, delivery }) => {
      if (delivery) links.outgoing(sender)?.outcome(delivery, outcome);
    });
  }
  for (const event of ['receiver_close', 'sender_close']) {
    on(event, ({ receiver, sender }) => {
      links.forget(receiver ?? sender);
    });
  }
  on('session_close', () => {
    links.forgetClosed();
  });
  for (const event of ['error', 'protocol_error']) connection.on(event, broken);
  // The client tells of an error of its own; the close that follows says all we need.
  for (const event of ['receiver_error', 'sender_error', 'session_error', 'connection_error'])
    on(event, () => undefined);
  for (const event of ['connection_close', 'disconnected', 'settled']) on(event, () => undefined);
}

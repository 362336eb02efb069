import type { Duplex } from 'node:stream';
import type { Delivery, EventContext, Message, Sender } from 'rhea';
import { AmqpTestClient } from '../../../apps/iot-hub-emulator/test-support/amqp-client.js';
import { openTls } from '../../support/raw-mqtt.js';
import type { TortureHub } from './torture-hub.js';

type AmqpOptions = ConstructorParameters<typeof AmqpTestClient>[1];

/** An AMQP client on a byte stream to a hub. @param onSent gets what the client writes */
export function amqpOver(
  stream: Duplex,
  options: AmqpOptions = {},
  onSent: (chunk: Buffer) => void = () => undefined,
): AmqpTestClient {
  return new AmqpTestClient((client) => {
    client.on('data', onSent);
    client.on('error', () => undefined);
    stream.once('close', () => client.destroy());
    client.once('close', () => stream.destroy());
    client.pipe(stream).pipe(client);
  }, options);
}

/** A client that has presented a token. @throws Error when the hub does not take it. */
export async function authorizedAmqp(hub: TortureHub, token: string): Promise<AmqpTestClient> {
  const client = amqpOver(await openTls(hub.address), { username: 'anonymous' });
  const { status } = await unlessLost(client, client.putToken(token));
  if (status !== 200) throw new Error(`The token was answered with ${String(status)}.`);
  return client;
}

/** Waits for an answer, or for the end of the connection. @throws Error when that comes first */
export function unlessLost<T>(client: AmqpTestClient, answer: Promise<T>): Promise<T> {
  const lost = client.closed().then((): never => {
    throw new Error('The connection is gone.');
  });
  return Promise.race([answer, lost]);
}

/** Sends messages on a link, many at a time; each resolves or rejects with its own outcome. */
export class AmqpSending {
  private isLost = false;
  private readonly waiting = new Map<Delivery, { resolve: () => void; reject: (cause: Error) => void }>();

  constructor(private readonly sender: Sender) {
    const settle = (act: (delivery: Delivery) => void) => (context: EventContext) => {
      if (context.delivery) act(context.delivery);
    };
    sender.on(
      'accepted',
      settle((delivery) => this.take(delivery)?.resolve()),
    );
    for (const outcome of ['rejected', 'released', 'modified']) {
      sender.on(
        outcome,
        settle((delivery) => this.take(delivery)?.reject(new Refused(outcome))),
      );
    }
    const lost = () => {
      this.isLost = true;
      for (const { reject } of this.waiting.values()) reject(new Error('The link is gone.'));
      this.waiting.clear();
    };
    sender.once('sender_close', lost);
    sender.connection.once('disconnected', lost);
  }

  send(message: Partial<Message>): Promise<void> {
    if (this.isLost) return Promise.reject(new Error('The link is gone.'));
    return new Promise((resolve, reject) => {
      this.waiting.set(this.sender.send(message as Message), { resolve, reject });
    });
  }

  private take(delivery: Delivery): { resolve: () => void; reject: (cause: Error) => void } | undefined {
    const waiting = this.waiting.get(delivery);
    this.waiting.delete(delivery);
    return waiting;
  }
}

/** The hub has said no to a message. */
export class Refused extends Error {}

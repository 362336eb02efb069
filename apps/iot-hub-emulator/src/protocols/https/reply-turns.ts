import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Has the requests of a connection wait for each other: a client may send many ahead, and reads their replies in that order.
 * So whatever it asks for, the replies that it does not read are one.
 */
export class ReplyTurns {
  private readonly last = new WeakMap<Socket, Promise<void>>();

  /** @returns what to wait for before the request is answered; undefined when nothing is under way on its connection. */
  take({ socket }: IncomingMessage, response: ServerResponse): Promise<void> | undefined {
    const before = this.last.get(socket);
    const own = new Promise<void>((resolve) => {
      response.once('close', () => {
        resolve();
        if (this.last.get(socket) === own) this.last.delete(socket);
      });
    });
    this.last.set(socket, own);
    return before;
  }
}

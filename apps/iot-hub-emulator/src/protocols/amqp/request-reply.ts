import { echoedId, textOf, type AmqpMessage } from './amqp-message.js';
import type { AmqpConnection, LinkRequest, OutgoingLinkRoute } from './link-routes.js';
import { OutgoingQueue } from './outgoing-queue.js';

/** Requests that may wait for room to be answered, before the client is taken for one that does not read. */
const MAX_WAITING_REPLIES = 100;

/**
 * Nodes that answer requests (`$cbs`, `$management`): the client sends on one link and receives on another of the same
 * address, which this is. Replies find it by the request's `reply-to`, or are for the only one there is.
 *
 * @param address of both links
 * @param authorize throws when the link may not be opened
 */
export function replyRoute(address: string, authorize?: (request: LinkRequest) => void): OutgoingLinkRoute {
  return {
    direction: 'to-client',
    address,
    open(request, link) {
      authorize?.(request);
      const replies = repliesOf(request.connection, address);
      const queue = new OutgoingQueue(link, MAX_WAITING_REPLIES, () => {
        request.connection.fail('amqp:resource-limit-exceeded', `replies of ${address} are not read`);
      });
      const entry = { clientAddress: request.clientAddress, queue };
      replies.add(entry);
      return {
        sendable() {
          queue.flush();
        },
        closed() {
          replies.delete(entry);
        },
      };
    },
  };
}

/**
 * Answers a request over the link that {@link replyRoute} has opened on the same connection; correlated by the request's
 * message id, in the type it came in. Without such a link the answer has no way to go and is dropped, as on a broker.
 *
 * @param reply the rest of the message, in rhea's form
 */
export function sendReply(connection: AmqpConnection, address: string, request: AmqpMessage, reply: object): void {
  const replies = [...repliesOf(connection, address)];
  const to = textOf(request.reply_to);
  const found = replies.find(({ clientAddress }) => clientAddress === to) ?? replies.at(-1);
  found?.queue.send({ ...reply, correlation_id: echoedId(request.correlation_id ?? request.message_id), to });
}

interface ReplyLink {
  readonly clientAddress: string | undefined;
  readonly queue: OutgoingQueue;
}

const links = new WeakMap<AmqpConnection, Map<string, Set<ReplyLink>>>();

function repliesOf(connection: AmqpConnection, address: string): Set<ReplyLink> {
  const ofConnection = links.get(connection) ?? new Map<string, Set<ReplyLink>>();
  links.set(connection, ofConnection);
  const ofAddress = ofConnection.get(address) ?? new Set<ReplyLink>();
  ofConnection.set(address, ofAddress);
  return ofAddress;
}

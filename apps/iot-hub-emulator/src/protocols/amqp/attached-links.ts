import { HubError } from '../../hub/errors/hub-errors.js';
import { toAmqpError } from './amqp-errors.js';
import type { AmqpMessage } from './amqp-message.js';
import { type Claim, LinkAuthority } from './claims.js';
import { IncomingLink } from './incoming-link.js';
import { addressSegments, matchAddress } from './link-address.js';
import type { AmqpConnection, LinkRequest, LinkRoute } from './link-routes.js';
import { OutgoingLink } from './outgoing-link.js';
import type { FrameStream } from './rhea/frame-stream.js';
import type { AmqpErrorFields, RheaDelivery, RheaLink, Terminus } from './rhea/rhea-types.js';

const LOGGED_ADDRESS_LENGTH = 256;

type Link = IncomingLink | OutgoingLink;

/** The links of a connection: opened by the list of routes, and forgotten when they are gone. */
export class AttachedLinks {
  private readonly links = new Map<RheaLink, Link>();
  private readonly claims = new Map<Link, Claim>();

  constructor(
    private readonly connection: AmqpConnection,
    private readonly stream: FrameStream,
    private readonly routes: readonly LinkRoute[],
  ) {}

  /** Opens what a client has attached, or refuses it with a condition and a line in the log. */
  open(link: RheaLink): void {
    const { hub, peer } = this.connection;
    const direction = link.is_receiver() ? 'from-client' : 'to-client';
    const [source, target] = [terminusOf(link.source), terminusOf(link.target)];
    const terminus = link.is_receiver() ? target : source;
    const address = typeof terminus?.address === 'string' ? terminus.address : '';
    // A query may hold a token.
    const facts = { address: address.replace(/\?.*$/s, '').slice(0, LOGGED_ADDRESS_LENGTH), direction };
    if (source) link.set_source(source);
    if (target) link.set_target(target);
    try {
      const { route, params } = this.findRoute(direction, address);
      const authority = new LinkAuthority(hub, this.connection.claims, this.connection.certificates);
      const end = (error: AmqpErrorFields) => {
        this.end(link, error);
      };
      const request = toLinkRequest(link, { hub, connection: this.connection, authority, address, params, end });
      const refused = (cause: unknown) => {
        this.connection.refused('Message refused', cause, facts);
      };
      let opened: Link;
      if (route.direction === 'from-client') {
        opened = new IncomingLink(link, route.open(request), refused);
      } else {
        opened = new OutgoingLink(link, this.stream, refused);
        opened.start(route.open(request, opened));
      }
      this.links.set(link, opened);
      if (authority.claim) this.claims.set(opened, authority.claim);
      hub.logger.debug({ peer, ...facts }, 'Link opened');
    } catch (cause) {
      this.connection.refused('Link refused', cause, facts);
      link.close(toAmqpError(cause));
    }
  }

  /** A message has come. What still comes on a link that we have ended is given back. */
  receive(receiver: RheaLink, message: AmqpMessage | Buffer, delivery: RheaDelivery): void {
    const link = this.links.get(receiver);
    if (link instanceof IncomingLink && receiver.is_open()) link.receive(message, delivery);
    // Else it would keep its place in the session's window, at both ends.
    else delivery.release();
  }

  /** The link that the client receives on; undefined when it was refused. */
  outgoing(sender: RheaLink | undefined): OutgoingLink | undefined {
    const link = sender && this.links.get(sender);
    return link instanceof OutgoingLink ? link : undefined;
  }

  /** There is room again in what is to be sent. */
  wake(): void {
    for (const link of this.links.values()) if (link instanceof OutgoingLink) link.wake();
  }

  /** Ends a link, also one that is still being opened. */
  private end(link: RheaLink, error: AmqpErrorFields): void {
    const opened = this.links.get(link);
    if (opened) opened.close(error);
    else link.close(error);
  }

  /** Ends the links that rest on a claim. */
  close(claim: Claim, error: AmqpErrorFields): void {
    for (const [link, of] of this.claims) if (of === claim) link.close(error);
  }

  /** A link is gone. */
  forget(link: RheaLink | undefined): void {
    const opened = link && this.links.get(link);
    if (!opened) return;
    this.links.delete(link);
    this.claims.delete(opened);
    try {
      opened.closed();
    } catch (cause) {
      this.connection.refused('Link not closed well', cause);
    }
  }

  /** Forgets the links that are closed, perhaps with their session; with `all`, the connection is gone. */
  forgetClosed({ all = false } = {}): void {
    for (const link of [...this.links.keys()]) if (all || link.is_closed()) this.forget(link);
  }

  private findRoute(direction: LinkRoute['direction'], address: string) {
    const segments = addressSegments(address);
    if (segments === undefined) throw new HubError('ArgumentInvalid', 'The address is not percent-encoded UTF-8.');
    for (const route of this.routes) {
      const params = route.direction === direction ? matchAddress(route.address, segments) : undefined;
      if (params) return { route, params };
    }
    const verb = direction === 'to-client' ? 'receive' : 'send';
    throw new HubError('RouteNotFound', `There is nothing to ${verb} at this address.`);
  }
}

type RequestParts = Pick<LinkRequest, 'hub' | 'connection' | 'authority' | 'address' | 'params' | 'end'>;

function toLinkRequest(link: RheaLink, parts: RequestParts): LinkRequest {
  const clientEnd = terminusOf(link.is_receiver() ? link.source : link.target);
  return {
    ...parts,
    properties: asRecord(link.properties),
    desiredCapabilities: [link.desired_capabilities].flat().filter((name) => typeof name === 'string'),
    filter: asRecord(link.is_receiver() ? undefined : terminusOf(link.source)?.filter),
    clientAddress: typeof clientEnd?.address === 'string' ? clientEnd.address : undefined,
  };
}

/** Where there is none, rhea has its object for null. */
const terminusOf = (value: object | null | undefined): Terminus | undefined =>
  value && 'address' in value ? value : undefined;

const asRecord = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? { ...value } : {};

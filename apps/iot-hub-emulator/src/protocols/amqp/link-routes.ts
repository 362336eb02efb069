import type { Hub } from '../../hub/hub.js';
import type { AmqpConnection } from './amqp-connection.js';
import type { IncomingHandler } from './incoming-link.js';
import type { LinkAuthority } from './claims.js';
import type { OutgoingHandler, OutgoingLink } from './outgoing-link.js';
import type { AmqpErrorFields } from './rhea/rhea-types.js';

/** What a client asks for by attaching a link. */
export interface LinkRequest {
  readonly hub: Hub;
  readonly connection: AmqpConnection;
  /** Ask it before anything is given: it throws unless this connection has proven the right. */
  readonly authority: LinkAuthority;
  /** The address as the client wrote it. */
  readonly address: string;
  /** Values of the `:name` segments of the route's address, percent-decoded. */
  readonly params: Readonly<Record<string, string>>;
  /** The link's properties (`com.microsoft:…`), as sent: values of any type. */
  readonly properties: Readonly<Record<string, unknown>>;
  readonly desiredCapabilities: readonly string[];
  /** The filter set of the source, as sent: a map of described values. Only of links to the client. */
  readonly filter: Readonly<Record<string, unknown>>;
  /** The client's own end of the link, for example where replies go. */
  readonly clientAddress: string | undefined;
  /** Ends the link from our side; its handler is told that it has closed. */
  readonly end: (error: AmqpErrorFields) => void;
}

/** A link that the client sends on. */
export interface IncomingLinkRoute {
  readonly direction: 'from-client';
  /** For example `/devices/:deviceId/messages/events`; fixed segments match in any case. */
  readonly address: string;
  /** @throws {@link HubError} when it may not be opened: the link is refused with its condition, its reason logged. */
  open(request: LinkRequest): IncomingHandler;
}

/** A link that the client receives on. */
export interface OutgoingLinkRoute {
  readonly direction: 'to-client';
  readonly address: string;
  /**
   * Nothing may be sent before it has returned: the first {@link OutgoingHandler.sendable} says when.
   *
   * @throws {@link HubError} when it may not be opened: the link is refused with its condition, its reason logged.
   */
  open(request: LinkRequest, link: OutgoingLink): OutgoingHandler;
}

export type LinkRoute = IncomingLinkRoute | OutgoingLinkRoute;

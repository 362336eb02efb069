import type { Hub } from '../../hub/hub.js';
import type { CertificateChain } from '../../hub/access/certificate-chain.js';
import type { IncomingHandler } from './incoming-link.js';
import type { Claims, LinkAuthority } from './claims.js';
import type { OutgoingHandler, OutgoingLink } from './outgoing-link.js';
import type { AmqpErrorFields } from './rhea/rhea-types.js';

/** A client's connection, as its links see it. */
export interface AmqpConnection {
  readonly hub: Hub;
  /** The client's address, for the log. */
  readonly peer: string;
  /** The tokens presented so far. */
  readonly claims: Claims;
  /** What the client showed in the TLS handshake; undefined when it showed none. */
  readonly certificates: CertificateChain | undefined;
  /** The host and port of this server as the client knows them: by its open, or by its TLS handshake. */
  readonly reachedAt: { readonly host: string; readonly port: number };
  /** Calls a function once when the connection is gone; at once when it is already. */
  onClosed(listener: () => void): void;
  /** Ends the connection with an error that the client is told, and the log, too. */
  fail(condition: string, reason: string): void;
  /** Ends the connection because the hub says so, for example because it stops. */
  close(error: AmqpErrorFields): void;
  /** Notes in log and metrics that the client was refused something, and why. */
  refused(what: string, cause: unknown, facts?: Record<string, unknown>): void;
}

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

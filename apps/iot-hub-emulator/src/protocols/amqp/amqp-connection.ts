import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { create_container } from 'rhea';
import { isHostOfHub } from '../../hub/access/token-resource.js';
import { HubError } from '../../hub/errors/hub-errors.js';
import type { Hub } from '../../hub/hub.js';
import { asHubError, toAmqpError } from './amqp-errors.js';
import type { AmqpMessage } from './amqp-message.js';
import { type Claim, Claims, LinkAuthority } from './claims.js';
import { IncomingLink } from './incoming-link.js';
import { addressSegments, matchAddress } from './link-address.js';
import type { LinkRequest, LinkRoute } from './link-routes.js';
import { OutgoingLink, type Outcome } from './outgoing-link.js';
import { AmqpViolation } from './rhea/amqp-violation.js';
import { FrameStream, MAX_FRAME_BYTES } from './rhea/frame-stream.js';
import { guardPerformatives, MAX_SESSIONS } from './rhea/guard-performatives.js';
import type { AmqpErrorFields, RheaConnection, RheaContext, RheaLink } from './rhea/rhea-types.js';
import { saslMechanisms } from './sasl.js';

/** From the first byte to the open of the connection, SASL included. */
const OPEN_TIMEOUT_MS = 10_000;
/** We ask for a frame that often; rhea closes after twice as long. IoT Hub's own limit is 4 minutes. */
const IDLE_TIMEOUT_MS = 120_000;
const LOGGED_ADDRESS_LENGTH = 256;
const AMQPS_PORT = 5671;

export interface AmqpConnectionOptions {
  readonly hub: Hub;
  readonly stream: Duplex;
  /** The client's address, for the log. */
  readonly peer: string;
  /** The TLS connection below the stream: names the host and port that the client has called, and its certificate. */
  readonly socket?: TLSSocket | undefined;
  readonly routes: readonly LinkRoute[];
}

type Link = IncomingLink | OutgoingLink;

/** A client's AMQP connection: opens the links it attaches by the list of routes, and ends them with what they rest on. */
export class AmqpConnection {
  readonly hub: Hub;
  readonly peer: string;
  /** The tokens presented so far. */
  readonly claims: Claims;
  /** The TLS connection below; absent in tests. */
  readonly socket: TLSSocket | undefined;
  private readonly routes: readonly LinkRoute[];
  private readonly rhea: RheaConnection;
  private readonly stream: FrameStream;
  private readonly links = new Map<RheaLink, Link>();
  private readonly claimOf = new Map<Link, Claim>();
  private readonly closedListeners = new Set<() => void>();
  private readonly cancelOpenTimeout: () => void;
  private over = false;

  constructor({ hub, stream, peer, socket, routes }: AmqpConnectionOptions) {
    this.hub = hub;
    this.peer = peer;
    this.socket = socket;
    this.routes = routes;
    this.claims = new Claims(hub, (claim) => {
      this.lapse(claim);
    });
    this.stream = new FrameStream(stream, {
      violation: (reason) => {
        this.logEnd(reason);
      },
      drained: () => {
        this.wakeAll();
      },
      closed: () => {
        this.finish();
      },
    });
    this.rhea = this.accept();
    this.cancelOpenTimeout = hub.clock.after(OPEN_TIMEOUT_MS, () => {
      this.logEnd('no open in time');
      this.stream.end();
    });
  }

  /** The host and port of this server as the client knows them: by its open, or by its TLS handshake. */
  get reachedAt(): { host: string; port: number } {
    const hostname = this.rhea.remote.open?.hostname;
    const [, named = '', port] = /^(.*?)(?::(\d{1,5}))?$/.exec(typeof hostname === 'string' ? hostname : '') ?? [];
    const serverName = this.socket?.servername;
    const fallback = typeof serverName === 'string' && serverName !== '' ? serverName : 'localhost';
    return {
      host: isHostOfHub(this.hub, named) ? named : fallback,
      port: port === undefined ? (this.socket?.localPort ?? AMQPS_PORT) : Number(port),
    };
  }

  /** Calls a function once when the connection is gone; at once when it is already. */
  onClosed(listener: () => void): void {
    if (this.over) listener();
    else this.closedListeners.add(listener);
  }

  /** Ends the connection with an error that the client is told, and the log, too. */
  fail(condition: string, reason: string): void {
    this.logEnd(reason, condition);
    this.closeWith({ condition, description: reason });
  }

  /** Ends the connection because the hub says so, for example because it stops. */
  close(error: AmqpErrorFields): void {
    this.closeWith(error);
  }

  /** Notes in log and metrics that the client was refused something, and why. */
  refused(what: string, cause: unknown, facts: Record<string, unknown> = {}): void {
    const error = asHubError(cause);
    this.hub.metrics.refusals.add('amqp', error.errorName);
    const line = { peer: this.peer, error: error.errorName, code: error.code, reason: error.reason, ...facts };
    if (error.errorName === 'ServerError') this.hub.logger.error({ ...line, err: error.cause }, what);
    else this.hub.logger.warn(line, what);
  }

  private accept(): RheaConnection {
    const { hub } = this;
    // A container of its own: rhea keeps the SASL mechanisms there, and ours know the connection.
    const container = create_container({ id: hub.name });
    container.sasl_server_mechanisms = saslMechanisms({
      hub,
      claims: this.claims,
      refused: (cause) => {
        this.refused('SASL refused', cause);
        // The outcome is written first.
        setImmediate(() => {
          this.stream.end();
        });
      },
    });
    container.on('error', (error: unknown) => {
      this.broken(error);
    });
    const connection = container.create_connection({
      container_id: hub.name,
      max_frame_size: MAX_FRAME_BYTES,
      channel_max: MAX_SESSIONS - 1,
      idle_time_out: IDLE_TIMEOUT_MS,
      reconnect: false,
      receiver_options: { credit_window: 0, autoaccept: false },
      sender_options: { treat_modified_as_released: false },
    } as object as Parameters<typeof container.create_connection>[0]) as object as RheaConnection;
    guardPerformatives(connection);
    this.listen(connection);
    connection.accept(this.stream);
    this.stream.start();
    return connection;
  }

  private listen(connection: RheaConnection): void {
    const on = (event: string, listener: (context: RheaContext) => void) => {
      connection.on(event, (context: RheaContext) => {
        // What one of our handlers throws must not run through rhea, which would be left in the middle of its work.
        try {
          listener(context);
        } catch (cause) {
          this.broken(cause);
        }
      });
    };
    on('connection_open', () => {
      this.cancelOpenTimeout();
    });
    on('receiver_open', ({ receiver }) => {
      if (receiver) this.openLink(receiver);
    });
    on('sender_open', ({ sender }) => {
      if (sender) this.openLink(sender);
    });
    on('message', ({ receiver, message, delivery }) => {
      const link = receiver && this.links.get(receiver);
      if (link instanceof IncomingLink && delivery) link.receive(message as AmqpMessage | Buffer, delivery);
    });
    for (const event of ['sender_flow', 'sendable']) on(event, ({ sender }) => this.outgoing(sender)?.wake());
    on('sender_draining', ({ sender }) => this.outgoing(sender)?.drain());
    for (const outcome of ['accepted', 'rejected', 'released', 'modified'] satisfies Outcome[]) {
      on(outcome, ({ sender, delivery }) => {
        if (delivery) this.outgoing(sender)?.outcome(delivery, outcome);
      });
    }
    for (const event of ['receiver_close', 'sender_close']) {
      on(event, ({ receiver, sender }) => {
        this.forget(receiver ?? sender);
      });
    }
    on('session_close', () => {
      for (const link of this.links.keys()) if (link.is_closed()) this.forget(link);
    });
    for (const event of ['error', 'protocol_error']) {
      connection.on(event, (error: unknown) => {
        this.broken(error);
      });
    }
    // The client tells of an error of its own; the close that follows says all we need.
    for (const event of ['receiver_error', 'sender_error', 'session_error', 'connection_error'])
      on(event, () => undefined);
    for (const event of ['connection_close', 'disconnected', 'settled']) on(event, () => undefined);
  }

  private openLink(link: RheaLink): void {
    const direction = link.is_receiver() ? 'from-client' : 'to-client';
    const terminus = link.is_receiver() ? link.target : link.source;
    const address = typeof terminus?.address === 'string' ? terminus.address : '';
    const facts = { address: address.slice(0, LOGGED_ADDRESS_LENGTH), direction };
    if (link.source) link.set_source(link.source);
    if (link.target) link.set_target(link.target);
    try {
      const { route, params } = this.findRoute(direction, address);
      const authority = new LinkAuthority(this.hub, this.claims);
      const request = toLinkRequest(link, { hub: this.hub, connection: this, authority, address, params });
      const refused = (cause: unknown) => {
        this.refused('Message refused', cause, facts);
      };
      let opened: Link;
      if (route.direction === 'from-client') {
        opened = new IncomingLink(link, route.open(request), refused);
      } else {
        opened = new OutgoingLink(link, this.stream, refused);
        opened.start(route.open(request, opened));
      }
      this.links.set(link, opened);
      if (authority.claim) this.claimOf.set(opened, authority.claim);
      this.hub.logger.debug({ peer: this.peer, ...facts }, 'Link opened');
    } catch (cause) {
      this.refused('Link refused', cause, facts);
      link.close(toAmqpError(cause));
    }
  }

  private findRoute(direction: LinkRoute['direction'], address: string) {
    const segments = addressSegments(address);
    if (segments === undefined) throw new HubError('ArgumentInvalid', 'The address is not percent-encoded UTF-8.');
    for (const route of this.routes) {
      const params = route.direction === direction ? matchAddress(route.address, segments) : undefined;
      if (params) return { route, params };
    }
    throw new HubError(
      'RouteNotFound',
      `There is nothing to ${direction === 'to-client' ? 'receive' : 'send'} at this address.`,
    );
  }

  private outgoing(sender: RheaLink | undefined): OutgoingLink | undefined {
    const link = sender && this.links.get(sender);
    return link instanceof OutgoingLink ? link : undefined;
  }

  private forget(link: RheaLink | undefined): void {
    const opened = link && this.links.get(link);
    if (!opened) return;
    this.links.delete(link);
    this.claimOf.delete(opened);
    opened.closed();
  }

  private wakeAll(): void {
    for (const link of this.links.values()) if (link instanceof OutgoingLink) link.wake();
  }

  private lapse(claim: Claim): void {
    const error = { condition: 'amqp:unauthorized-access', description: 'The token has expired.' };
    this.hub.logger.warn({ peer: this.peer, code: 401003, reason: 'the token has expired' }, 'Claim lapsed');
    for (const [link, of] of this.claimOf) if (of === claim) link.close(error);
    if (this.claims.size === 0) this.closeWith(error);
  }

  /** Something threw within rhea, or in what it called: the connection cannot go on. */
  private broken(cause: unknown): void {
    if (this.over) return;
    const condition = cause instanceof AmqpViolation ? cause.condition : 'amqp:connection:framing-error';
    const reason = cause instanceof Error ? cause.message : String(cause);
    this.logEnd(reason, condition);
    this.closeWith({ condition, description: 'The connection broke the rules of AMQP.' });
  }

  /** At once and not with rhea's next turn: after an error it ends the stream before that. */
  private closeWith(error: AmqpErrorFields): void {
    if (this.over || this.rhea.is_closed()) return;
    if (this.rhea.is_remote_open()) {
      this.rhea.local.close.error = error;
      this.rhea._write_close();
    }
    this.stream.end();
  }

  private logEnd(reason: string, condition?: string): void {
    this.hub.logger.warn({ peer: this.peer, reason, condition }, 'Connection closed by the hub');
  }

  private finish(): void {
    if (this.over) return;
    this.over = true;
    this.cancelOpenTimeout();
    this.claims.close();
    for (const link of [...this.links.keys()]) this.forget(link);
    for (const listener of this.closedListeners) listener();
    this.closedListeners.clear();
  }
}

type RequestParts = Pick<LinkRequest, 'hub' | 'connection' | 'authority' | 'address' | 'params'>;

function toLinkRequest(link: RheaLink, parts: RequestParts): LinkRequest {
  const clientEnd = link.is_receiver() ? link.source : link.target;
  return {
    ...parts,
    properties: asRecord(link.properties),
    desiredCapabilities: [link.desired_capabilities].flat().filter((name) => typeof name === 'string'),
    filter: asRecord(link.is_receiver() ? undefined : link.source?.filter),
    clientAddress: typeof clientEnd?.address === 'string' ? clientEnd.address : undefined,
    end(error) {
      link.close(error);
    },
  };
}

const asRecord = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? { ...value } : {};

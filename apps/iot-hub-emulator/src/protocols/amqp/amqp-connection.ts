import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { create_container } from 'rhea';
import type { CertificateChain } from '../../hub/access/certificate-chain.js';
import { isHostOfHub } from '../../hub/access/token-resource.js';
import type { Hub } from '../../hub/hub.js';
import { clientCertificatesOf } from '../client-certificates.js';
import { asHubError } from './amqp-errors.js';
import { AttachedLinks } from './attached-links.js';
import { type Claim, Claims } from './claims.js';
import { followConnection } from './connection-events.js';
import type { AmqpConnection, LinkRoute } from './link-routes.js';
import { AmqpViolation } from './rhea/amqp-violation.js';
import { FrameStream, MAX_FRAME_BYTES } from './rhea/frame-stream.js';
import { guardPerformatives, MAX_SESSIONS } from './rhea/guard-performatives.js';
import { writeWholePerformatives } from './rhea/whole-performatives.js';
import type { AmqpErrorFields, RheaConnection } from './rhea/rhea-types.js';
import { markProven } from '../connection-caps.js';
import { saslMechanisms } from './sasl.js';

/** From the first byte to the open of the connection, SASL included. */
const OPEN_TIMEOUT_MS = 10_000;
/** We ask for a frame that often; rhea closes after twice as long. IoT Hub's own limit is 4 minutes. */
const IDLE_TIMEOUT_MS = 120_000;
/**
 * For an Event Hubs client to present another token when its last has lapsed.
 *
 * @see https://learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-troubleshoot#connection-is-closed
 */
const UNCLAIMED_TIMEOUT_MS = 300_000;
const AMQPS_PORT = 5671;
const MAX_PORT = 65_535;

export interface AmqpConnectionOptions {
  readonly hub: Hub;
  readonly stream: Duplex;
  /** The client's address, for the log. */
  readonly peer: string;
  /** The TLS connection below the stream: names the host and port that the client has called, and its certificate. */
  readonly socket?: TLSSocket | undefined;
  readonly routes: readonly LinkRoute[];
}

/** A client's AMQP connection, from its first byte to its end. */
export class AmqpServerConnection implements AmqpConnection {
  readonly hub: Hub;
  readonly peer: string;
  /** The tokens presented so far. */
  readonly claims: Claims;
  /** The TLS connection below; absent in tests. */
  readonly socket: TLSSocket | undefined;
  readonly certificates: CertificateChain | undefined;
  private readonly rhea: RheaConnection;
  private readonly stream: FrameStream;
  private readonly links: AttachedLinks;
  private readonly closedListeners = new Set<() => void>();
  private readonly cancelOpenTimeout: () => void;
  private cancelUnclaimedTimeout: () => void = () => undefined;
  private over = false;

  constructor({ hub, stream, peer, socket, routes }: AmqpConnectionOptions) {
    this.hub = hub;
    this.peer = peer;
    this.socket = socket;
    this.certificates = clientCertificatesOf(socket);
    this.claims = new Claims(
      hub,
      (claim) => {
        this.lapse(claim);
      },
      () => {
        markProven(socket);
      },
    );
    this.stream = new FrameStream(stream, {
      violation: (reason) => {
        this.logEnd(reason);
      },
      drained: () => {
        this.links.wake();
      },
      closed: () => {
        this.finish();
      },
    });
    this.links = new AttachedLinks(this, this.stream, routes);
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
      port: Number(port) <= MAX_PORT ? Number(port) : (this.socket?.localPort ?? AMQPS_PORT),
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
    writeWholePerformatives(connection);
    followConnection(connection, {
      links: this.links,
      opened: () => {
        this.cancelOpenTimeout();
      },
      broken: (cause) => {
        this.broken(cause);
      },
    });
    connection.accept(this.stream);
    this.stream.start();
    return connection;
  }

  /**
   * IoT Hub closes the connection of a client that has no token left. Event Hubs detaches the links, so that the client may
   * present its next token on the same connection, and closes that when it does not.
   *
   * @see https://github.com/Azure/azure-sdk-for-python/issues/5314 for what Event Hubs says
   */
  private lapse(claim: Claim): void {
    this.hub.metrics.refusals.add('amqp', 'IotHubUnauthorized');
    this.hub.logger.warn({ peer: this.peer, code: 401003, reason: 'the token has expired' }, 'Claim lapsed');
    const { eventHubsResource } = claim;
    if (eventHubsResource !== undefined) {
      const description = `Unauthorized access. 'Listen' claim(s) are required to perform this operation. Resource: '${eventHubsResource}'.`;
      this.links.close(claim, { condition: 'amqp:link:detach-forced', description });
      if (this.claims.size === 0) this.awaitClaim();
      return;
    }
    const error = { condition: 'amqp:unauthorized-access', description: 'The token has expired.' };
    if (this.claims.size === 0) this.closeWith(error);
    else this.links.close(claim, error);
  }

  private awaitClaim(): void {
    this.cancelUnclaimedTimeout();
    this.cancelUnclaimedTimeout = this.hub.clock.after(UNCLAIMED_TIMEOUT_MS, () => {
      if (this.claims.size > 0) return;
      this.fail('amqp:connection:forced', `The connection was without a token for ${UNCLAIMED_TIMEOUT_MS} ms.`);
    });
  }

  /** Something threw within rhea, or in what it called: the connection cannot go on. */
  private broken(cause: unknown): void {
    if (this.over) return;
    const condition = cause instanceof AmqpViolation ? cause.condition : 'amqp:connection:framing-error';
    const reason = cause instanceof Error ? cause.message : String(cause);
    this.logEnd(reason, condition);
    this.closeWith({ condition, description: 'The connection broke the rules of AMQP.' });
  }

  /**
   * Sessions first: the SDKs of Node wait 45 seconds for answers on sessions that were not ended. At once, and not with
   * rhea's next turn: after an error it ends the stream before that.
   */
  private closeWith(error: AmqpErrorFields): void {
    if (this.over) return;
    for (const session of Object.values(this.rhea.local_channel_map)) session.end(error);
    this.rhea.close(error);
    this.rhea._process();
    this.stream.end();
  }

  private logEnd(reason: string, condition?: string): void {
    this.hub.metrics.refusals.add('amqp', 'protocol-violation');
    this.hub.logger.warn({ peer: this.peer, reason, condition }, 'Connection closed by the hub');
  }

  private finish(): void {
    if (this.over) return;
    this.over = true;
    // rhea would set timers again for what is settled later.
    this.rhea.socket_ready = false;
    this.cancelOpenTimeout();
    this.cancelUnclaimedTimeout();
    this.claims.close();
    this.links.forgetClosed({ all: true });
    for (const listener of this.closedListeners) listener();
    this.closedListeners.clear();
  }
}

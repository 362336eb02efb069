import { constants } from 'node:crypto';
import type { Server as HttpServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer, type TLSSocket } from 'node:tls';
import type { Logger } from 'pino';
import type { HubMetrics } from '../hub/metrics/hub-metrics.js';
import { type Caps, ConnectionCaps, DEFAULT_CAPS, onProven } from './connection-caps.js';
import { peerOf } from './peer.js';
import { acceptWebSockets } from './web-sockets.js';

/** For the TLS handshake, and again for the first byte after it. A CONNECT or the HTTP headers have their own limit. */
const HANDSHAKE_TIMEOUT_MS = 8_000;

/** What it most often is when a client goes at, or right after, the handshake. */
const DISTRUST_HINT = "Does the client trust this hub's certificate authority?";
/** OpenSSL's codes for bytes that are no TLS, and what it most often is. */
const NO_TLS = new Set(['ERR_SSL_HTTP_REQUEST', 'ERR_SSL_WRONG_VERSION_NUMBER']);
const NO_TLS_HINT = 'Does the client speak without TLS? Here it is https, mqtts, amqps and wss alone.';

const MQTT_CONNECT = 0x10;
const AMQP_FIRST_LETTER = 0x41;

export interface ListenerOptions {
  /** PEM of the server's certificate and its key. */
  readonly tls: { readonly cert: string | Buffer; readonly key: string | Buffer };
  /** Gets every connection that speaks neither MQTT nor AMQP. It must not listen itself; its upgrades are taken over. */
  readonly httpServer: HttpServer;
  /**
   * Gets every MQTT byte stream, over TLS or over WebSocket. `peer` names the client for the log, `socket` is the TLS
   * connection below the stream.
   */
  readonly onMqtt: (stream: Duplex, peer: string, socket: TLSSocket) => void;
  /** The same for AMQP. */
  readonly onAmqp: (stream: Duplex, peer: string, socket: TLSSocket) => void;
  readonly logger: Logger;
  /** Counts what is refused before it has become a connection of one of the protocols. */
  readonly metrics: HubMetrics;
  /** Defaults to 8 s. */
  readonly handshakeTimeoutMs?: number;
  /** How many connections there may be. */
  readonly caps?: Caps;
}

/** TLS ports that each speak all protocols. */
export interface Listener {
  /**
   * Opens one more port (0: a free one).
   *
   * @returns the port bound
   * @throws Node's own error (`EADDRINUSE`, `EACCES`) when it cannot be bound
   */
  listen(port: number, host: string): Promise<number>;
  /** Closes all ports and every connection still open. */
  close(): Promise<void>;
}

/** Makes the one front door: the first byte after the TLS handshake tells MQTT, AMQP and HTTP apart. */
export function createListener(options: ListenerOptions): Listener {
  const { httpServer, onMqtt, onAmqp, logger, metrics } = options;
  const handshakeTimeoutMs = options.handshakeTimeoutMs ?? HANDSHAKE_TIMEOUT_MS;
  const servers = new Set<ReturnType<typeof createServer>>();
  const sockets = new Set<Socket>();
  const caps = new ConnectionCaps(options.caps ?? DEFAULT_CAPS);
  /** By peer: notes that a connection counts for its address no longer. */
  const unproven = new Map<string, () => void>();
  /** Peers between TCP and TLS. */
  const shakingHands = new Set<string>();
  const webSockets = acceptWebSockets(options);

  // A server that is handed its connections never listens, but only this event starts its header and request timeouts.
  httpServer.emit('listening');

  const openPort = () => {
    const server = createServer({
      ...options.tls,
      minVersion: 'TLSv1.2',
      // Devices may show a certificate; whether it is theirs, the hub decides. No authority is named, since clients then
      // choose among the certificates of those alone.
      requestCert: true,
      rejectUnauthorized: false,
      ca: [],
      // A resumed session would not hold the issuers of the client's certificate; to renegotiate is to make the hub work.
      secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
      handshakeTimeout: handshakeTimeoutMs,
      noDelay: true,
    });
    server.on('connection', (socket: Socket) => {
      const peer = peerOf(socket);
      if (!admit(socket, peer)) {
        socket.destroy();
        return;
      }
      sockets.add(socket);
      shakingHands.add(peer);
      socket.once('close', () => {
        sockets.delete(socket);
        unproven.get(peer)?.();
        caps.leave();
        if (!shakingHands.delete(peer)) return;
        const hint = socket.bytesRead > 0 ? DISTRUST_HINT : undefined;
        logger[hint ? 'info' : 'debug']({ peer, hint }, 'Connection ended within the TLS handshake');
      });
    });
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
      const reason = error.code ?? error.message;
      if (NO_TLS.has(reason)) {
        shakingHands.delete(peerOf(socket));
        logger.info({ peer: peerOf(socket), reason, hint: NO_TLS_HINT }, 'TLS handshake failed');
      } else logger.debug({ reason }, 'TLS handshake failed');
      socket.destroy();
    });
    server.on('secureConnection', (socket) => {
      shakingHands.delete(peerOf(socket));
      const settle = unproven.get(peerOf(socket));
      if (settle) onProven(socket, settle);
      socket.on('error', (error: Error) => {
        logger.debug({ peer: peerOf(socket), reason: error.message }, 'Connection failed');
      });
      awaitFirstByte(socket);
    });
    return server;
  };

  /** Counts a connection in. @returns false when there are too many. */
  const admit = (socket: Socket, peer: string): boolean => {
    const address = socket.remoteAddress ?? 'unknown';
    const refusal = caps.admit(address);
    if (refusal !== undefined) {
      metrics.refusals.add('tls', refusal.error);
      if (refusal.isNews) logger.warn({ peer, reason: refusal.reason }, 'Connections refused');
      return false;
    }
    unproven.set(peer, () => {
      unproven.delete(peer);
      caps.settle(address);
    });
    return true;
  };

  const awaitFirstByte = (socket: TLSSocket) => {
    const peer = peerOf(socket);
    const timer = setTimeout(() => {
      socket.off('close', leftSilently);
      refuse(socket, 'FirstByteTimeout');
    }, handshakeTimeoutMs);
    const leftSilently = () => {
      clearTimeout(timer);
      logger.info({ peer, hint: DISTRUST_HINT }, 'Connection closed by the client before its first byte');
    };
    socket.once('close', leftSilently);
    socket.once('data', (chunk: Buffer) => {
      clearTimeout(timer);
      socket.off('close', leftSilently);
      socket.pause();
      socket.unshift(chunk);
      dispatch(socket, chunk[0]);
    });
  };

  const dispatch = (socket: TLSSocket, firstByte: number | undefined) => {
    switch (firstByte) {
      case MQTT_CONNECT:
        onMqtt(socket, peerOf(socket), socket);
        return;
      case AMQP_FIRST_LETTER:
        onAmqp(socket, peerOf(socket), socket);
        return;
      default:
        httpServer.emit('connection', socket);
        socket.resume();
    }
  };

  const refuse = (socket: TLSSocket, reason: 'FirstByteTimeout') => {
    metrics.refusals.add('tls', reason);
    logger.warn({ peer: peerOf(socket), reason }, 'Connection refused');
    socket.destroy();
  };

  return {
    async listen(port, host) {
      const server = openPort();
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen({ port, host }, () => {
          server.off('error', reject);
          resolve();
        });
      });
      server.on('error', (error) => {
        logger.error({ err: error }, 'Listener failed');
      });
      servers.add(server);
      return (server.address() as AddressInfo).port;
    },
    async close() {
      const closed = Array.from(servers, (server) => new Promise((resolve) => server.close(resolve)));
      servers.clear();
      for (const socket of sockets) socket.destroy();
      webSockets.close();
      httpServer.close();
      await Promise.all(closed);
    },
  };
}

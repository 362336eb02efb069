import type { IncomingMessage, Server as HttpServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer, type TLSSocket } from 'node:tls';
import type { Logger } from 'pino';
import { createWebSocketStream, WebSocketServer } from 'ws';

/** Path and subprotocol of MQTT over WebSocket. @see https://learn.microsoft.com/azure/iot/iot-mqtt-connect-to-iot-hub */
const WEB_SOCKET_PATH = '/$iothub/websocket';
const WEB_SOCKET_PROTOCOL = 'mqtt';
/** WebSocket messages carry any piece of the MQTT stream; clients send a packet a message. */
const WEB_SOCKET_MAX_MESSAGE_BYTES = 512 * 1024;
/** For the TLS handshake, and again for the first byte after it. A CONNECT or the HTTP headers have their own limit. */
const HANDSHAKE_TIMEOUT_MS = 8_000;

/** What it most often is when a client goes at, or right after, the handshake. */
const DISTRUST_HINT = "Does the client trust this hub's certificate authority?";

const MQTT_CONNECT = 0x10;
const AMQP_FIRST_LETTER = 0x41;

export interface ListenerOptions {
  /** PEM of the server's certificate and its key. */
  readonly tls: { readonly cert: string | Buffer; readonly key: string | Buffer };
  /** Gets every connection that speaks neither MQTT nor AMQP. It must not listen itself; its upgrades are taken over. */
  readonly httpServer: HttpServer;
  /** Gets every MQTT byte stream, over TLS or over WebSocket. `peer` names the client for the log. */
  readonly onMqtt: (stream: Duplex, peer: string) => void;
  readonly logger: Logger;
  /** Defaults to 8 s. */
  readonly handshakeTimeoutMs?: number;
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
  const { httpServer, onMqtt, logger } = options;
  const handshakeTimeoutMs = options.handshakeTimeoutMs ?? HANDSHAKE_TIMEOUT_MS;
  const servers = new Set<ReturnType<typeof createServer>>();
  const sockets = new Set<Socket>();
  const webSockets = acceptWebSockets(options);

  // A server that is handed its connections never listens, but only this event starts its header and request timeouts.
  httpServer.emit('listening');

  const openPort = () => {
    const server = createServer({
      ...options.tls,
      minVersion: 'TLSv1.2',
      handshakeTimeout: handshakeTimeoutMs,
      noDelay: true,
    });
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
      // An alert comes from the client, and what clients object to is nearly always the certificate.
      const objected = error.code?.includes('_ALERT_') === true;
      const details = { peer: peerOf(socket), reason: error.message, ...(objected && { hint: DISTRUST_HINT }) };
      logger[objected ? 'info' : 'debug'](details, 'TLS handshake failed');
      socket.destroy();
    });
    server.on('secureConnection', (socket) => {
      socket.on('error', (error: Error) => {
        logger.debug({ peer: peerOf(socket), reason: error.message }, 'connection failed');
      });
      awaitFirstByte(socket);
    });
    return server;
  };

  const awaitFirstByte = (socket: TLSSocket) => {
    const peer = peerOf(socket);
    const timer = setTimeout(() => {
      socket.off('close', leftSilently);
      refuse(socket, 'FirstByteTimeout');
    }, handshakeTimeoutMs);
    const leftSilently = () => {
      clearTimeout(timer);
      logger.info({ peer, hint: DISTRUST_HINT }, 'connection closed by the client before its first byte');
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
        onMqtt(socket, peerOf(socket));
        return;
      case AMQP_FIRST_LETTER:
        refuse(socket, 'AmqpNotImplemented');
        return;
      default:
        httpServer.emit('connection', socket);
        socket.resume();
    }
  };

  const refuse = (socket: TLSSocket, reason: 'AmqpNotImplemented' | 'FirstByteTimeout') => {
    logger.warn({ peer: peerOf(socket), reason }, 'connection refused');
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
        logger.error({ err: error }, 'listener failed');
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

/** Turns WebSocket upgrades of the HTTP server into MQTT streams; any other upgrade is answered with an HTTP error. */
function acceptWebSockets({ httpServer, onMqtt, logger }: ListenerOptions): WebSocketServer {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: WEB_SOCKET_MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    handleProtocols: () => WEB_SOCKET_PROTOCOL,
  });
  httpServer.on('upgrade', (request, socket, head) => {
    const peer = peerOf(request.socket);
    const refusal = upgradeRefusal(request);
    if (refusal) {
      logger.warn({ peer, reason: refusal.reason }, 'WebSocket refused');
      socket.end(`HTTP/1.1 ${refusal.status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    server.handleUpgrade(request, socket, head, (webSocket) => {
      onMqtt(createWebSocketStream(webSocket), `${peer} websocket`);
    });
  });
  return server;
}

function upgradeRefusal(request: IncomingMessage): { status: string; reason: string } | undefined {
  const path = request.url?.split('?')[0];
  if (path !== WEB_SOCKET_PATH) return { status: '404 Not Found', reason: 'UnknownWebSocketPath' };
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  if (offered.includes(WEB_SOCKET_PROTOCOL)) return undefined;
  return offered.includes('AMQPWSB10')
    ? { status: '501 Not Implemented', reason: 'AmqpNotImplemented' }
    : { status: '400 Bad Request', reason: 'UnknownWebSocketProtocol' };
}

const peerOf = (socket: { remoteAddress?: string | undefined; remotePort?: number | undefined }): string =>
  `${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? 0}`;

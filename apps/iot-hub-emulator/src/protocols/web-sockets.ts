import type { IncomingMessage, Server as HttpServer } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Logger } from 'pino';
import { createWebSocketStream, WebSocketServer } from 'ws';
import type { HubMetrics } from '../hub/metrics/hub-metrics.js';
import { peerOf } from './peer.js';

/**
 * What is spoken over WebSocket, by path and subprotocol. Event Hubs clients have a path of their own.
 *
 * @see https://learn.microsoft.com/azure/iot/iot-mqtt-connect-to-iot-hub
 * @see https://docs.oasis-open.org/amqp-bindmap/amqp-wsb/v1.0/amqp-wsb-v1.0.html
 */
const SPOKEN: Readonly<Record<string, Readonly<Record<string, 'mqtt' | 'amqp'>>>> = {
  '/$iothub/websocket': { mqtt: 'mqtt', AMQPWSB10: 'amqp' },
  '/$servicebus/websocket': { AMQPWSB10: 'amqp' },
};
/** WebSocket messages carry any piece of the stream; clients send a packet or frame a message. */
const WEB_SOCKET_MAX_MESSAGE_BYTES = 512 * 1024;

/** What strangers ask for goes into the log by its beginning. */
const LOGGED_LENGTH = 128;

interface WebSocketOptions {
  readonly httpServer: HttpServer;
  readonly onMqtt: (stream: Duplex, peer: string, socket: TLSSocket) => void;
  readonly onAmqp: (stream: Duplex, peer: string, socket: TLSSocket) => void;
  readonly logger: Logger;
  readonly metrics: HubMetrics;
}

/**
 * Turns WebSocket upgrades of the HTTP server into streams of MQTT or AMQP; any other upgrade is answered with an HTTP error,
 * counted, and logged with its reason.
 */
export function acceptWebSockets(options: WebSocketOptions): WebSocketServer {
  const { httpServer, onMqtt, onAmqp } = options;
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: WEB_SOCKET_MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    handleProtocols: (_offered, request) => askedFor(request)?.subprotocol ?? false,
  });
  httpServer.on('upgrade', (request, socket, head) => {
    const asked = askedFor(request);
    if (asked === undefined) {
      refuse(options, request, socket, refusalOf(request));
      return;
    }
    server.handleUpgrade(request, socket, head, (webSocket) => {
      const stream = createWebSocketStream(webSocket);
      const speak = asked.protocol === 'mqtt' ? onMqtt : onAmqp;
      // The listener gives the HTTP server no other sockets.
      speak(stream, `${peerOf(request.socket)} websocket`, request.socket as TLSSocket);
    });
  });
  // What the handshake lacks; without a listener it would be answered alike, and nobody told.
  server.on('wsClientError', ({ message }, socket, request) => {
    refuse(options, request, socket, { status: '400 Bad Request', error: 'BadWebSocketHandshake', reason: message });
  });
  return server;
}

interface Refusal {
  readonly status: string;
  /** For the metrics: one of a fixed set. */
  readonly error: string;
  readonly reason?: string;
}

function refuse(
  { logger, metrics }: WebSocketOptions,
  request: IncomingMessage,
  socket: Duplex,
  { status, error, reason = error }: Refusal,
): void {
  metrics.refusals.add('https', error);
  const offered = (request.headers['sec-websocket-protocol'] ?? '').slice(0, LOGGED_LENGTH);
  const path = pathOf(request).slice(0, LOGGED_LENGTH);
  logger.warn({ peer: peerOf(request.socket), reason, path, offered }, 'WebSocket refused');
  // Else it would be open for as long as the client likes.
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nSec-WebSocket-Version: 13, 8\r\nContent-Length: 0\r\n\r\n`);
}

const pathOf = ({ url = '' }: IncomingMessage): string => url.split('?')[0] ?? '';

/** Some clients end the path with a slash. */
const spokenAt = (request: IncomingMessage) => SPOKEN[pathOf(request).replace(/\/$/, '')];

/** The first subprotocol offered that is spoken at the path. */
function askedFor(request: IncomingMessage): { subprotocol: string; protocol: 'mqtt' | 'amqp' } | undefined {
  const spoken = spokenAt(request) ?? {};
  for (const name of (request.headers['sec-websocket-protocol'] ?? '').split(',')) {
    const subprotocol = name.trim();
    const protocol = Object.hasOwn(spoken, subprotocol) ? spoken[subprotocol] : undefined;
    if (protocol) return { subprotocol, protocol };
  }
  return undefined;
}

const refusalOf = (request: IncomingMessage): Refusal =>
  spokenAt(request)
    ? { status: '400 Bad Request', error: 'UnknownWebSocketProtocol' }
    : { status: '404 Not Found', error: 'UnknownWebSocketPath' };

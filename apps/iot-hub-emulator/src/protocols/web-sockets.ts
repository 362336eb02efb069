import type { IncomingMessage, Server as HttpServer } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { peerOf } from './peer.js';

/** Path and subprotocol of MQTT over WebSocket. @see https://learn.microsoft.com/azure/iot/iot-mqtt-connect-to-iot-hub */
const WEB_SOCKET_PATH = '/$iothub/websocket';
const WEB_SOCKET_PROTOCOL = 'mqtt';
/** WebSocket messages carry any piece of the MQTT stream; clients send a packet a message. */
const WEB_SOCKET_MAX_MESSAGE_BYTES = 512 * 1024;

interface WebSocketOptions {
  readonly httpServer: HttpServer;
  readonly onMqtt: (stream: Duplex, peer: string) => void;
  readonly logger: Logger;
}

/** Turns WebSocket upgrades of the HTTP server into MQTT streams; any other upgrade is answered with an HTTP error. */
export function acceptWebSockets({ httpServer, onMqtt, logger }: WebSocketOptions): WebSocketServer {
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

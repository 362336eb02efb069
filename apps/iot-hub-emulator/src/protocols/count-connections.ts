import type { IncomingMessage, Server as HttpServer } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { HubMetrics } from '../hub/metrics/hub-metrics.js';

type Accept = (stream: Duplex, peer: string, socket: TLSSocket) => void;

/** Has a protocol's connections counted while they are open. */
export const countedStreams =
  ({ connections }: HubMetrics, protocol: 'mqtt' | 'amqp', accept: Accept): Accept =>
  (stream, peer, socket) => {
    const labels = { protocol: stream === socket ? protocol : `${protocol}-ws` };
    connections.inc(labels);
    stream.once('close', () => {
      connections.dec(labels);
    });
    accept(stream, peer, socket);
  };

/** Counts the connections of an HTTP server while they are open and speak HTTP. */
export function countHttpConnections({ connections }: HubMetrics, server: HttpServer): void {
  const labels = { protocol: 'https' };
  const open = new Set<Duplex>();
  const gone = (socket: Duplex) => {
    if (open.delete(socket)) connections.dec(labels);
  };
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    connections.inc(labels);
    socket.once('close', () => {
      gone(socket);
    });
  });
  server.on('upgrade', ({ socket }: IncomingMessage) => {
    gone(socket);
  });
}

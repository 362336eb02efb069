import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Hub } from '../../hub/hub.js';
import { AmqpServerConnection } from './amqp-connection.js';
import { cbsRoutes } from './cbs.js';
import { deviceBoundRoute } from './device-bound.link.js';
import { deviceRoutes } from './devices/device-routes.js';
import { eventHubsRoutes } from './event-hubs-routes.js';
import type { LinkRoute } from './link-routes.js';
import { hardenDecoder } from './rhea/harden-decoder.js';
import { serviceBoundRoutes } from './service-bound.links.js';

/** Every address a link can be attached to, by the party it is for. Earlier ones win. */
const ROUTES: readonly LinkRoute[] = [
  ...cbsRoutes,
  ...eventHubsRoutes,
  deviceBoundRoute,
  ...serviceBoundRoutes,
  ...deviceRoutes,
];

export interface AmqpEndpoint {
  /** Speaks AMQP 1.0 over a byte stream until it closes. `peer` names the client for the log, `socket` is the TLS below. */
  readonly accept: (stream: Duplex, peer: string, socket?: TLSSocket) => void;
  /** Tells all clients that the hub goes, and waits for them to go, too: two seconds at most. */
  close(): Promise<void>;
}

/** Makes what turns AMQP byte streams into connections of the hub's services, devices and readers. */
export function createAmqpEndpoint(hub: Hub): AmqpEndpoint {
  hardenDecoder();
  const connections = new Set<AmqpServerConnection>();
  return {
    accept(stream, peer, socket) {
      const connection = new AmqpServerConnection({ hub, stream, peer, socket, routes: ROUTES });
      connections.add(connection);
      connection.onClosed(() => connections.delete(connection));
    },
    async close() {
      const closed = Array.from(
        connections,
        (connection) =>
          new Promise<void>((resolve) => {
            connection.onClosed(resolve);
            connection.close({ condition: 'amqp:connection:forced', description: 'The hub stops.' });
          }),
      );
      await Promise.all(closed);
    },
  };
}

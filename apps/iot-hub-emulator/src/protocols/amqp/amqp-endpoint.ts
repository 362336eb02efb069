import type { Duplex } from 'node:stream';
import type { Hub } from '../../hub/hub.js';
import { AmqpConnection } from './amqp-connection.js';
import { cbsRoutes } from './cbs.js';
import type { LinkRoute } from './link-routes.js';
import { hardenDecoder } from './rhea/harden-decoder.js';

/** Every address a link can be attached to, by the party it is for. Earlier ones win. */
const ROUTES: readonly LinkRoute[] = [...cbsRoutes];

export interface AmqpEndpoint {
  /** Speaks AMQP 1.0 over a byte stream until it closes. `peer` names the client for the log. */
  readonly accept: (stream: Duplex, peer: string) => void;
  /** Tells all clients that the hub goes. */
  close(): void;
}

/** Makes what turns AMQP byte streams into connections of the hub's services, devices and readers. */
export function createAmqpEndpoint(hub: Hub): AmqpEndpoint {
  hardenDecoder();
  const connections = new Set<AmqpConnection>();
  return {
    accept(stream, peer) {
      const connection = new AmqpConnection({ hub, stream, peer, routes: ROUTES });
      connections.add(connection);
      connection.onClosed(() => connections.delete(connection));
    },
    close() {
      for (const connection of connections) {
        connection.close({ condition: 'amqp:connection:forced', description: 'The hub stops.' });
      }
    },
  };
}

import { types } from 'rhea';
import type { AmqpErrorFields } from './rhea/rhea-types.js';

/** The port that clients take when a redirect names none. */
const AMQPS_PORT = 5671;

/**
 * Sends a client from the IoT hub's address on to the event hub's, which here is the same server.
 *
 * @param path of the address to go to, the event hub's name first.
 * @see https://docs.oasis-open.org/amqp/core/v1.0/os/amqp-core-transport-v1.0-os.html#type-link-error
 */
export function redirectTo({ host, port, path }: { host: string; port: number; path: string }): AmqpErrorFields {
  const authority = port === AMQPS_PORT ? host : `${host}:${port}`;
  const info = types.wrap_symbolic_map({
    hostname: authority,
    'network-host': host,
    port: types.wrap_ushort(port),
    address: `amqps://${host}:${port}/${path}`,
  });
  const condition = 'amqp:link:redirect';
  const description = 'The events are read at the Event Hubs-compatible endpoint.';
  // The fields as rhea encodes them in the end: by their names it would give the map keys that are strings, not symbols.
  const value = [types.wrap_symbol(condition), types.wrap_string(description), info];
  return { value } as object as AmqpErrorFields;
}
